import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import type { LedgerTotals } from '../archive/books.ts';
import { check } from '../archive/check.ts';
import { MANIFEST } from '../archive/format.ts';
import { type Manifest, manifestText } from '../archive/manifest.ts';
import type { Store } from '../archive/store.ts';
import { type ReadBack, readBack, readManifest, requireSound } from '../archive/verify.ts';
import { withWorkDirectory } from '../archive/work-directory.ts';
import { AppError, assert, isAppError } from '../core/errors.ts';
import { isDone } from '../core/lifecycle.ts';
import { withQuarterLock } from '../db/locks.ts';
import type { Db } from '../db/schema.ts';
import { toAppError } from '../db/sqlstate.ts';
import { type CopiedTable, copyQuarter } from './archive-copy.ts';
import { type Contents, composeManifest, digestIn } from './archive-manifest.ts';
import { type ArchiveRow, archiveFolder, insertArchive, readArchive, takeChainHead } from './archives.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { nothingToDo, type Outlook } from './outlook.ts';
import { advance, type QuarterRow, readQuarter, requireState } from './registry.ts';

export interface ArchiveReport {
  readonly quarter: string;
  /** False when it was archived already. */
  readonly archived: boolean;
  readonly location: string;
  readonly manifestSha256: string;
  readonly digest: string;
  readonly rows: bigint;
  readonly bytes: bigint;
}

/**
 * Writes a closed quarter to the store and proves it: the files are read back from there, and their rows have to be
 * those that were counted when the quarter was closed. The manifest comes last, so a folder that has one is whole; then
 * the quarter's state. Killed in between, the quarter is still closed, and the next run does it all again.
 *
 * A hold does not stand in the way: it keeps a quarter from being taken out, and an archive takes nothing out.
 *
 * @throws AppError corrupt/archive_damaged when what came back from the store is not the quarter; it stays closed
 * @throws AppError conflict/archive_exists when the folder holds the archive of other rows
 * @throws AppError conflict/quarter_state, busy/quarter_busy
 */
export async function archiveQuarter(
  house: QuarterHouse,
  run: QuarterRun,
  quarter: string,
): Promise<ArchiveReport> {
  return withQuarterLock(house.database.direct, quarter, async (session) => {
    const row = await readQuarter(session, quarter);
    if (isDone('archive', row.state)) return reportOf(await readArchive(session, quarter), false);
    requireState(row, 'archive');
    assert(row.digest !== null && row.closed_at !== null, `${quarter} was closed without a digest`);
    const folder = archiveFolder(house.ledgerSet, quarter);
    const location = `${house.store.url}/${folder}`;
    // The lock ends with its session, and another process may have begun: then nothing of ours may reach the store.
    const requireLock = async () => {
      await sql`SELECT 1`.execute(session).catch((error: unknown) => {
        throw toAppError(error);
      });
    };

    await clearManifest(house.store, row, folder);
    await run.step?.('archive.cleared');
    const copied = await copyQuarter(house, run, row, { folder, requireLock });
    await requireLock();
    await clearOthers(house.store, folder, copied);
    await run.step?.('archive.copied');
    const declared = {
      quarter,
      starts_at: row.starts_at.toISOString(),
      ends_at: row.ends_at.toISOString(),
      tables: copied,
    };
    const found = await readBack(house.store, folder, declared, run);
    const contents = await requireEqual(session, row, copied, found, location);
    await run.step?.('archive.read_back');
    const archive = await session.transaction().execute(async (trx) => {
      const previous = await takeChainHead(trx);
      const manifest = await composeManifest(trx, house, run, declared, contents, previous);
      await putManifest(house.store, folder, manifest);
      await run.step?.('archive.manifest_stored');
      const at = house.clock.now();
      const recorded = await insertArchive(trx, manifest, location, at);
      await advance(trx, quarter, 'archive', run, { archived_at: at, verified_at: at }, { ...recorded });
      return recorded;
    });
    await run.step?.('archive.archived');
    return reportOf(archive, true);
  });
}

/**
 * Takes away the manifest that a killed run left, so that the folder says of itself that it is not whole.
 *
 * @throws AppError conflict/archive_exists
 */
async function clearManifest(store: Store, { quarter, digest }: QuarterRow, folder: string): Promise<void> {
  const left = await readManifest(store, folder).catch((error: unknown) => {
    // A manifest that cannot be read proves nothing, so nothing is lost with it.
    if (isAppError(error, 'not_in_store') || isAppError(error, 'archive_damaged')) return undefined;
    throw error;
  });
  if (left !== undefined && left.manifest.digest !== digest) {
    const detail = `${store.url}/${folder} holds an archive of ${quarter} with other rows, written ${left.manifest.archived.at} by ${left.manifest.archived.by}. If another database uses this store, give each a QM_LEDGER_SET of its own; if it was never finished, delete the folder.`;
    throw new AppError('conflict', 'archive_exists', detail);
  }
  await store.sweep?.(folder);
  await store.remove(`${folder}/${MANIFEST}`);
}

/** Takes away what an earlier run left and this one did not write again. */
async function clearOthers(store: Store, folder: string, copied: readonly CopiedTable[]): Promise<void> {
  const written = new Set(copied.flatMap(({ files }) => files.map(({ path }) => `${folder}/${path}`)));
  for (const { path } of await store.list(folder)) {
    if (!written.has(path)) await store.remove(path);
  }
}

/** What came back from the store, once it is known to be what the database holds. */
async function requireEqual(
  db: Db,
  row: QuarterRow,
  copied: readonly CopiedTable[],
  { checks, contents }: ReadBack,
  location: string,
): Promise<Contents> {
  requireSound(checks, location);
  assert(contents, 'files without a fault have contents');
  const rowsOf = (name: string) => contents.tables.find((table) => table.name === name)?.rows;
  const counts = (['transactions', 'entries'] as const)
    .filter((name) => rowsOf(name) !== row[name])
    .map((name) => `${rowsOf(name)} ${name} instead of ${row[name]}`);
  const digests = copied
    .filter(({ name, digest }) => digest !== undefined && digest !== digestIn(contents, name))
    .map(({ name }) => `${name} differs from the database`);
  if (contents.digest !== row.digest) {
    digests.push(
      `the digest of the quarter is ${contents.digest}, and ${row.digest} was fixed when it was closed`,
    );
  }
  const compared = [
    check('counts', counts, ''),
    check('digests', digests, ''),
    check('amounts', await differingAmounts(db, row.quarter, contents.ledgers), ''),
  ];
  requireSound(compared, location);
  return contents;
}

/** Debits and credits of each ledger and currency, held against the trial balance in the database. */
async function differingAmounts(
  db: Db,
  quarter: string,
  ledgers: readonly LedgerTotals[],
): Promise<string[]> {
  const { rows } = await sql<{ amounts: string }>`
    SELECT concat_ws(' ', b.ledger_id, a.currency, sum(b.debits), sum(b.credits)) AS amounts
    FROM ledger.quarter_balances AS b
    JOIN ledger.accounts AS a ON a.ledger_id = b.ledger_id AND a.id = b.account_id
    WHERE b.ledger_id IN (SELECT id FROM ledger.ledgers) AND b.quarter = ${quarter}
    GROUP BY b.ledger_id, a.currency`.execute(db);
  const fixed = new Set(rows.map(({ amounts }) => amounts));
  const found = ledgers.flatMap(({ id, currencies }) =>
    currencies
      .filter(({ debits, credits }) => debits !== '0' || credits !== '0')
      .map(({ currency, debits, credits }) => `${id} ${currency} ${debits} ${credits}`),
  );
  const differing = [
    ...found.filter((amounts) => !fixed.has(amounts)),
    ...[...fixed].filter((amounts) => !found.includes(amounts)),
  ];
  return differing.map((amounts) => `ledger, currency, debits and credits ${amounts} are on one side only`);
}

/** Puts the manifest and looks whether the store gives it back as it is. */
async function putManifest(store: Store, folder: string, manifest: Manifest): Promise<void> {
  const path = `${folder}/${MANIFEST}`;
  await withWorkDirectory(async (directory) => {
    const file = join(directory, MANIFEST);
    await writeFile(file, manifestText(manifest));
    await store.put(path, file);
  });
  try {
    const { bytes } = await readManifest(store, folder);
    const faults = bytes.equals(Buffer.from(manifestText(manifest))) ? [] : ['it came back with other bytes'];
    requireSound([check('manifest', faults, '')], `${store.url}/${folder}`);
  } catch (error) {
    // What is not what was written must not look like a whole archive to anybody.
    await store.remove(path).catch(() => {});
    throw error;
  }
}

function reportOf(archive: ArchiveRow, archived: boolean): ArchiveReport {
  const { quarter, location, digest, rows, bytes } = archive;
  return { quarter, archived, location, manifestSha256: archive.manifest_sha256, digest, rows, bytes };
}

export async function previewArchive(
  _house: QuarterHouse,
  _run: QuarterRun,
  _quarter: string,
): Promise<Outlook> {
  return nothingToDo;
}
