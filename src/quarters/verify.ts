import { check } from '../archive/check.ts';
import { requireSound, verifyArchive } from '../archive/verify.ts';
import { type AppError, isAppError } from '../core/errors.ts';
import type { Db } from '../db/schema.ts';
import { archiveFolder, readArchive } from './archives.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { type Outlook, requireClear, stateObstacle } from './outlook.ts';
import { advance, type QuarterRow, readQuarter, recordEvent } from './registry.ts';

export interface VerifyReport {
  readonly quarter: string;
  readonly location: string;
  readonly digest: string;
  readonly rows: bigint;
  readonly bytes: bigint;
  readonly checks: readonly { readonly name: string; readonly detail: string }[];
}

/**
 * Reads the whole archive of a quarter from the store again, and holds it against itself and against what the database
 * keeps of it. A failure goes into the quarter's story as well, and changes nothing else. It needs no lock: it only
 * reads what never changes.
 *
 * @throws AppError corrupt/archive_damaged which names everything that is wrong
 * @throws AppError unavailable/store_failed when the store cannot be reached, which proves nothing
 */
export async function verifyQuarter(
  house: QuarterHouse,
  run: QuarterRun,
  quarter: string,
): Promise<VerifyReport> {
  const db = house.database.direct;
  const row = await readQuarter(db, quarter);
  try {
    requireClear(await outlookOf(db, row));
    const archive = await readArchive(db, quarter);
    const found = await verifyArchive(house.store, archiveFolder(house.ledgerSet, quarter), run);
    const faults: string[] = [];
    if (found.manifestSha256 !== archive.manifest_sha256)
      faults.push('the manifest is not the one that was written');
    if (found.quarter !== quarter) faults.push(`it is the archive of ${found.quarter}`);
    if (found.digest !== row.digest)
      faults.push(`its digest is ${found.digest}, and ${row.digest} was fixed at close`);
    const recorded = check('record', faults, 'the manifest and the digest are those the database knows');
    requireSound([recorded], found.location);

    const at = house.clock.now();
    const { manifest_sha256, digest, rows, bytes } = archive;
    await db.transaction().execute(async (trx) => {
      await trx
        .updateTable('quartermaster.archives')
        .set({ verified_at: at })
        .where('quarter', '=', quarter)
        .execute();
      await advance(
        trx,
        quarter,
        'verify',
        run,
        { verified_at: at },
        { manifest_sha256, digest, rows, bytes },
      );
    });
    const checks = [...found.checks, recorded].map(({ name, detail }) => ({ name, detail }));
    return { quarter, location: found.location, digest, rows, bytes, checks };
  } catch (error) {
    if (isDamage(error)) {
      await db.transaction().execute(async (trx) => {
        await trx
          .updateTable('quartermaster.archives')
          .set({ verified_at: null })
          .where('quarter', '=', quarter)
          .execute();
        await trx
          .updateTable('quartermaster.quarters')
          .set({ verified_at: null })
          .where('quarter', '=', quarter)
          .execute();
        await recordEvent(trx, quarter, 'verify_failed', run, { code: error.code, detail: error.detail });
      });
    }
    throw error;
  }
}

/** An archive that is not there is damaged as far as it can be. */
function isDamage(error: unknown): error is AppError {
  return isAppError(error, 'corrupt') || isAppError(error, 'not_in_store');
}

/** What a verification finds and would do. It is never done: who asks for it wants it read again. */
export async function previewVerify(
  house: QuarterHouse,
  _run: QuarterRun,
  quarter: string,
): Promise<Outlook> {
  const db = house.database.direct;
  return outlookOf(db, await readQuarter(db, quarter));
}

async function outlookOf(db: Db, row: QuarterRow): Promise<Outlook> {
  const obstacles = stateObstacle(row.quarter, row.state, 'verify');
  if (obstacles.length > 0) return { done: false, obstacles, steps: [] };
  const { location, bytes, rows } = await readArchive(db, row.quarter);
  return {
    done: false,
    obstacles: [],
    steps: [
      `read ${bytes} bytes from ${location} and compare every file with its manifest`,
      `compare its ${rows} rows with each other and with what was fixed when ${row.quarter} was closed`,
      'note when it was verified',
    ],
  };
}
