import { sql } from 'kysely';
import { type Check, check } from '../archive/check.ts';
import { type Manifest, type ManifestTable, sha256 } from '../archive/manifest.ts';
import { readManifest, requireSound, verifyArchive } from '../archive/verify.ts';
import { type AppError, assert, isAppError } from '../core/errors.ts';
import { type LongStatementOptions, withLongStatements } from '../db/long-statement.ts';
import type { Db, Trx } from '../db/schema.ts';
import { archiveFolder, readArchive } from './archives.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import type { Obstacle } from './outlook.ts';
import { type QuarterRow, readQuarter, recordEvent } from './registry.ts';
import { digestOfTable } from './table-digest.ts';

/** Nothing of a held quarter is taken out. */
export function heldObstacle({ quarter, hold_reason }: QuarterRow): Obstacle[] {
  if (hold_reason === null) return [];
  const detail = `${quarter} is held: ${hold_reason}. When it need not be any more: \`quartermaster quarters unhold ${quarter}\`.`;
  return [{ code: 'quarter_held', kind: 'refused', detail }];
}

/** What the database knows against the archive of a quarter, as its last reading left it. */
export async function archiveObstacles(db: Db, { quarter, digest }: QuarterRow): Promise<Obstacle[]> {
  const archive = await db
    .selectFrom('quartermaster.archives')
    .select(['digest', 'verified_at'])
    .where('quarter', '=', quarter)
    .executeTakeFirst();
  if (archive === undefined) {
    const detail = `No archive of ${quarter} was ever verified. Run \`quartermaster quarters archive ${quarter}\`.`;
    return [{ code: 'not_verified', kind: 'conflict', detail }];
  }
  if (archive.verified_at === null) {
    const detail = `The archive of ${quarter} was found damaged when it was last read. Mend the store and run \`quartermaster quarters verify ${quarter}\`.`;
    return [{ code: 'archive_damaged', kind: 'corrupt', detail }];
  }
  if (archive.digest !== digest) {
    const detail = `The archive of ${quarter} holds ${archive.digest}, and the quarter was closed with ${digest}. Take nothing out; find out which is right.`;
    return [{ code: 'digest_differs', kind: 'corrupt', detail }];
  }
  return [];
}

/** The archive of a quarter, by its manifest, which is the one that the database knows. */
export interface KnownArchive {
  readonly folder: string;
  readonly manifest: Manifest;
}

/**
 * Reads the manifest of a quarter and sees that it is the one that was written. What it says can be believed then, of the
 * files only what their SHA-256 proves.
 *
 * @throws AppError corrupt/archive_damaged, not_found/not_in_store
 */
export async function readKnownManifest(house: QuarterHouse, db: Db, row: QuarterRow): Promise<KnownArchive> {
  const folder = archiveFolder(house.ledgerSet, row.quarter);
  const archive = await readArchive(db, row.quarter);
  const { manifest, bytes } = await readManifest(house.store, folder);
  const found = { manifestSha256: sha256(bytes), quarter: manifest.quarter, digest: manifest.digest };
  requireKnown(found, row, archive.manifest_sha256, `${house.store.url}/${folder}`);
  return { folder, manifest };
}

/**
 * Reads the whole archive from the store once more: every byte and every row, and holds it against what the database knows.
 *
 * @throws AppError corrupt/archive_damaged, not_found/not_in_store
 */
export async function proveArchive(
  house: QuarterHouse,
  run: QuarterRun,
  db: Db,
  row: QuarterRow,
): Promise<KnownArchive> {
  const known = await readKnownManifest(house, db, row);
  const archive = await readArchive(db, row.quarter);
  const found = await verifyArchive(house.store, known.folder, run);
  requireKnown(found, row, archive.manifest_sha256, found.location);
  return known;
}

function requireKnown(
  found: Parameters<typeof recordCheck>[0],
  row: QuarterRow,
  manifestSha256: string,
  location: string,
): void {
  requireSound([recordCheck(found, row, manifestSha256)], location);
}

/** What was found in the store, held against what the database keeps of it. */
export function recordCheck(
  found: { readonly manifestSha256: string; readonly quarter: string; readonly digest: string },
  { quarter, digest }: QuarterRow,
  manifestSha256: string,
): Check {
  const faults: string[] = [];
  if (found.manifestSha256 !== manifestSha256) faults.push('the manifest is not the one that was written');
  if (found.quarter !== quarter) faults.push(`it is the archive of ${found.quarter}`);
  if (found.digest !== digest) faults.push(`its digest is ${found.digest}, and ${digest} was fixed at close`);
  return check('record', faults, 'the manifest and the digest are those the database knows');
}

/**
 * Runs what reads an archive. Damage that it meets goes into the quarter's story, so that nothing is taken out until the
 * archive was verified anew.
 */
export async function noteDamage<T>(
  db: Db,
  run: QuarterRun,
  quarter: string,
  read: () => Promise<T>,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (isDamage(error)) {
      await db.transaction().execute(async (trx) => {
        for (const table of ['quartermaster.archives', 'quartermaster.quarters'] as const) {
          await trx.updateTable(table).set({ verified_at: null }).where('quarter', '=', quarter).execute();
        }
        await recordEvent(trx, quarter, 'verify_failed', run, { code: error.code, detail: error.detail });
      });
    }
    throw error;
  }
}

/** An archive that is not there is damaged as far as it can be. */
export function isDamage(error: unknown): error is AppError {
  return ['archive_damaged', 'not_in_store', 'symlink_in_store'].some((code) => isAppError(error, code));
}

/**
 * The rows of a table as PostgreSQL counts them, over the columns that the archive has.
 *
 * @param session a direct connection outside any transaction
 * @param name of the table, quoted
 * @returns `<rows> <digest>`, as `promisedContent` says it
 */
export async function contentOf(
  session: Db,
  options: LongStatementOptions,
  columns: ManifestTable['columns'],
  name: string,
): Promise<string> {
  const { rows, digest } = await withLongStatements(session, options, () =>
    digestOfTable(session, columns, name),
  );
  return `${rows} ${digest}`;
}

/** What a table has to hold, by the manifest. */
export function promisedContent({ rows, digest }: ManifestTable): string {
  return `${rows} ${digest}`;
}

/** The table of a manifest by its name. */
export function tableIn({ tables }: Manifest, name: string): ManifestTable {
  const table = tables.find((one) => one.name === name);
  assert(table, `the manifest has no table ${name}`);
  return table;
}

/** The state row, and nobody else changes it until the transaction ends: no hold comes in between. */
export async function lockQuarter(trx: Trx, quarter: string): Promise<QuarterRow> {
  await sql`SELECT FROM quartermaster.quarters WHERE quarter = ${quarter} FOR UPDATE`.execute(trx);
  return readQuarter(trx, quarter);
}
