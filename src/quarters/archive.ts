import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { check } from '../archive/check.ts';
import { MANIFEST } from '../archive/format.ts';
import { type Manifest, manifestText } from '../archive/manifest.ts';
import type { ProvedContents } from '../archive/proof.ts';
import type { Store } from '../archive/store.ts';
import { readManifest, requireSound } from '../archive/verify.ts';
import { withWorkDirectory } from '../archive/work-directory.ts';
import { AppError, assert, isAppError } from '../core/errors.ts';
import { withQuarterLock } from '../db/locks.ts';
import type { Db } from '../db/schema.ts';
import { toAppError } from '../db/sqlstate.ts';
import { throwIfAborted } from '../platform/retry.ts';
import { approvalObstacle, requireApproval } from './approvals.ts';
import { requireEqual } from './archive-compare.ts';
import { type CopiedTable, copyQuarter } from './archive-copy.ts';
import { composeManifest } from './archive-manifest.ts';
import { forgetParts, keepPart, resumeParts } from './archive-parts.ts';
import { readinessOf } from './archive-readiness.ts';
import { type ArchiveRow, archiveFolder, insertArchive, readArchive, takeChainHead } from './archives.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { nothingToDo, type Outlook, requireClear } from './outlook.ts';
import { advance, type QuarterRow, readQuarter } from './registry.ts';

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
 * Writes a closed quarter to the store and proves it: every part is read back from there, and their rows have to be
 * those that were counted when the quarter was closed. The manifest comes last, so a folder that has one is whole; then
 * the quarter's state. Killed or stopped in between, the quarter is still closed, and the next run goes on behind the
 * last part that is in the store.
 *
 * A hold does not stand in the way: it keeps a quarter from being taken out, and an archive takes nothing out.
 *
 * @throws AppError corrupt/archive_damaged when what came back from the store is not the quarter; it stays closed, and
 *   the next run begins anew
 * @throws AppError conflict/archive_exists when the folder holds the archive of other rows
 * @throws AppError conflict/approval_required when somebody else has to approve it first; the request is kept
 * @throws AppError conflict/quarter_state, conflict/quarter_stale, busy/quarter_busy
 */
export async function archiveQuarter(
  house: QuarterHouse,
  run: QuarterRun,
  quarter: string,
): Promise<ArchiveReport> {
  return withQuarterLock(house.database.direct, quarter, async (session) => {
    const row = await readQuarter(session, quarter);
    const outlook = await readinessOf(house, session, row);
    if (outlook.done) return reportOf(await readArchive(session, quarter), false);
    requireClear(outlook);
    const approval = await requireApproval(house, session, run, row, 'archive');
    assert(row.digest !== null && row.closed_at !== null, `${quarter} was closed without a digest`);
    const folder = archiveFolder(house.ledgerSet, quarter);
    const location = `${house.store.url}/${folder}`;

    await clearManifest(house.store, row, folder);
    await run.step?.('archive.cleared');
    const { tables, contents } = await proveCopy(house, run, session, row);
    await run.step?.('archive.read_back');
    const declared = {
      quarter,
      starts_at: row.starts_at.toISOString(),
      ends_at: row.ends_at.toISOString(),
      tables,
    };
    const archive = await session.transaction().execute(async (trx) => {
      const previous = await takeChainHead(trx);
      const manifest = await composeManifest(trx, house, run, declared, contents, approval, previous);
      await putManifest(house.store, folder, manifest);
      await run.step?.('archive.manifest_stored');
      const at = house.clock.now();
      const recorded = await insertArchive(trx, manifest, location, at);
      await forgetParts(trx, quarter);
      await advance(trx, quarter, 'archive', run, { archived_at: at, verified_at: at }, { ...recorded });
      return recorded;
    });
    await run.step?.('archive.archived');
    return reportOf(archive, true);
  });
}

/** Copies what is not in the store yet, and holds all that is there against the database. */
async function proveCopy(
  house: QuarterHouse,
  run: QuarterRun,
  session: Db,
  row: QuarterRow,
): Promise<{ tables: readonly CopiedTable[]; contents: ProvedContents }> {
  const { quarter } = row;
  const folder = archiveFolder(house.ledgerSet, quarter);
  // The lock ends with its session, and another process may have begun: then nothing of ours may reach the store.
  const onSession = async (action: Promise<unknown>) => {
    await action.catch((error: unknown) => {
      throw toAppError(error);
    });
  };
  const requireLock = () => onSession(sql`SELECT 1`.execute(session));
  try {
    const parts = await resumeParts(session, house.store, folder, row);
    const { tables, contents } = await copyQuarter(house, run, row, {
      folder,
      parts,
      requireLock,
      keep: (table, part) => onSession(keepPart(session, row, table, part)),
    });
    await requireLock();
    await clearOthers(house.store, folder, tables);
    await run.step?.('archive.copied');
    throwIfAborted(run.signal);
    await requireEqual(session, row, tables, contents, `${house.store.url}/${folder}`);
    return { tables, contents };
  } catch (error) {
    // What was found wrong may lie in any part, so none is gone on from. A session that is dead cannot forget them, and
    // then the next run finds the same.
    if (isAppError(error, 'corrupt')) await forgetParts(session, quarter).catch(() => {});
    throw error;
  }
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

/** Takes away what is in the folder and not of this archive, and sees that all of the archive is there and no more. */
async function clearOthers(store: Store, folder: string, copied: readonly CopiedTable[]): Promise<void> {
  const wanted = new Map(
    copied.flatMap(({ files }) => files.map(({ path, bytes }) => [`${folder}/${path}`, bytes])),
  );
  const strange = (await store.list(folder)).filter(({ path }) => !wanted.has(path));
  for (const { path } of strange) await store.remove(path);
  // Looked at again, for whoever verifies it finds what is there then.
  const stored = new Map((await store.list(folder)).map(({ path, bytes }) => [path, bytes]));
  const faults = [
    ...[...stored.keys()].filter((path) => !wanted.has(path)).map((path) => `${path} does not belong here`),
    ...[...wanted].flatMap(([path, bytes]) => {
      const found = stored.get(path);
      if (found === undefined) return [`${path} is missing`];
      return found === bytes ? [] : [`${path} has ${found} bytes instead of ${bytes}`];
    }),
  ];
  requireSound([check('files', faults, '')], `${store.url}/${folder}`);
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

/** What an archive finds and would do. */
export async function previewArchive(
  house: QuarterHouse,
  _run: QuarterRun,
  quarter: string,
): Promise<Outlook> {
  const db = house.database.direct;
  const row = await readQuarter(db, quarter);
  const outlook = await readinessOf(house, db, row);
  if (outlook.done) return nothingToDo;
  const waiting = await approvalObstacle(house, db, row, 'archive');
  return { ...outlook, obstacles: [...outlook.obstacles, ...waiting] };
}
