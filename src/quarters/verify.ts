import { requireSound, verifyArchive } from '../archive/verify.ts';
import type { Db } from '../db/schema.ts';
import { archiveFolder, readArchive } from './archives.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { type Outlook, requireClear, stateObstacle } from './outlook.ts';
import { noteDamage, recordCheck } from './proof.ts';
import { advance, type QuarterRow, readQuarter } from './registry.ts';

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
  return noteDamage(db, run, quarter, async () => {
    requireClear(await outlookOf(db, row));
    const archive = await readArchive(db, quarter);
    const found = await verifyArchive(house.store, archiveFolder(house.ledgerSet, quarter), run);
    const recorded = recordCheck(found, row, archive.manifest_sha256);
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
  });
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
