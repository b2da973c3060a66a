import { checkFiles } from '../archive/unload.ts';
import { withQuarterLock, withShortLock } from '../db/locks.ts';
import { readOwnTables } from '../db/own-tables.ts';
import type { Db } from '../db/schema.ts';
import { clearApprovals } from './approvals.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { nothingToDo, type Outlook, requireClear } from './outlook.ts';
import { type KnownArchive, noteDamage, readKnownManifest } from './proof.ts';
import { advance, type QuarterRow, readQuarter, recordEvent } from './registry.ts';
import { columnObstacles } from './restore-columns.ts';
import { previewCopy, restoreCopy } from './restore-into.ts';
import { isLater, isRestored, manifestObstacles, outlookOf } from './restore-outlook.ts';
import { attachTables, readyTables, relationOf } from './restore-tables.ts';
import { untilObstacle, untilOf } from './restore-until.ts';

export interface RestoreReport {
  readonly quarter: string;
  /** False when it was restored already. */
  readonly restored: boolean;
  /** It was restored already, and is so for longer now. */
  readonly extended: boolean;
  /** The schema of the copy; undefined when the quarter is in the ledger's tables again. */
  readonly into: string | undefined;
  readonly until: Date | undefined;
  /** Tables whose rows came from the archive; those that still stood there are not among them. */
  readonly loaded: readonly string[];
  /** Of the rows, as PostgreSQL counted them and the manifest says. */
  readonly digest: string | undefined;
}

/**
 * Brings a detached or dropped quarter back into the ledger's tables, read-only and for a time; or with `run.into` a copy
 * of any archived quarter into a schema beside them. Every file of the archive is compared with its SHA-256 before a row of
 * it is believed, and every table is counted by PostgreSQL before it is attached: what is attached is what was closed.
 * Tables that still stand there need not be loaded, but are counted all the same. Killed anywhere, nothing is attached or
 * everything, and the next run goes on or begins anew.
 *
 * An archived or restored quarter one of whose tables is gone or hangs outside gets it back the same way.
 *
 * @throws AppError invalid/reason_missing, invalid/invalid_until, conflict/quarter_state, conflict/archive_columns
 * @throws AppError corrupt/archive_damaged, corrupt/digest_differs: nothing was attached
 */
export async function restoreQuarter(
  house: QuarterHouse,
  run: QuarterRun,
  quarter: string,
): Promise<RestoreReport> {
  return withQuarterLock(house.database.direct, quarter, async (session) => {
    if (run.into !== undefined) return restoreCopy(house, run, session, quarter, run.into);
    const row = await readQuarter(session, quarter);
    const tables = await readOwnTables(session, quarter);
    if (isRestored(row, tables)) return extend(house, run, session, row);
    requireClear(await outlookOf(house, session, run, row, tables));
    const archive = await noteDamage(session, run, quarter, async () => {
      const known = await readKnownManifest(house, session, row);
      await checkFiles(house.store, known.folder, known.manifest, run);
      return known;
    });
    requireClear({ done: false, steps: [], obstacles: await columnObstacles(session, archive.manifest) });
    await run.step?.('restore.checked');
    const bounds = { name: quarter, start: row.starts_at, end: row.ends_at };
    const replaces = row.state === 'dropped';
    const work = { house, run, session, quarter: bounds, archive, replaces };
    const ready = await noteDamage(session, run, quarter, () => readyTables(work));
    const until = await attach(house, run, session, row, archive, ready);
    await run.step?.('restore.committed');
    const { digest } = archive.manifest;
    return { quarter, restored: true, extended: false, into: undefined, until, loaded: ready.loaded, digest };
  });
}

export async function previewRestore(
  house: QuarterHouse,
  run: QuarterRun,
  quarter: string,
): Promise<Outlook> {
  const db = house.database.direct;
  if (run.into !== undefined) return previewCopy(house, run, db, quarter, run.into);
  const row = await readQuarter(db, quarter);
  const tables = await readOwnTables(db, quarter);
  if (isRestored(row, tables)) {
    const obstacles = untilObstacle(house, run, quarter);
    if (!isLater(run, row)) return nothingToDo;
    return { done: false, obstacles, steps: [`${quarter} stays restored until ${run.until?.toISOString()}`] };
  }
  const outlook = await outlookOf(house, db, run, row, tables);
  if (outlook.obstacles.length > 0) return outlook;
  // The verb reads the manifest itself, and keeps the damage that it meets.
  return { ...outlook, obstacles: await manifestObstacles(house, db, row) };
}

/** Restored again only means for longer, where somebody says so. */
async function extend(
  house: QuarterHouse,
  run: QuarterRun,
  session: Db,
  row: QuarterRow,
): Promise<RestoreReport> {
  const { quarter, restored_until } = row;
  const extended = isLater(run, row);
  if (extended) {
    requireClear({ done: false, steps: [], obstacles: untilObstacle(house, run, quarter) });
    await session.transaction().execute(async (trx) => {
      await trx
        .updateTable('quartermaster.quarters')
        .set({ restored_until: run.until ?? null })
        .where('quarter', '=', quarter)
        .where('state', '=', 'restored')
        .execute();
      await recordEvent(trx, quarter, 'restore_extended', run, { until: run.until, before: restored_until });
    });
  }
  const until = (extended ? run.until : restored_until) ?? undefined;
  return { quarter, restored: false, extended, into: undefined, until, loaded: [], digest: undefined };
}

/** All tables and the state in one transaction. */
async function attach(
  house: QuarterHouse,
  run: QuarterRun,
  session: Db,
  row: QuarterRow,
  { manifest }: KnownArchive,
  { loaded, tables }: Awaited<ReturnType<typeof readyTables>>,
): Promise<Date | undefined> {
  const { quarter, starts_at: start, ends_at: end, state } = row;
  const relations = tables.flatMap(({ table }) => [
    [table.schema, table.name] as const,
    relationOf(table, quarter),
  ]);
  const [at, until] = [house.clock.now(), untilOf(house, run)];
  const mended = state === 'restored' ? (row.restored_until ?? until) : undefined;
  await withShortLock(
    session,
    async (trx) => {
      const attached = await attachTables(trx, { name: quarter, start, end }, tables);
      const detail = { until, loaded, attached, digest: manifest.digest };
      if (loaded.length > 0) {
        const update = trx.updateTable('quartermaster.quarters').set({ frozen_at: null });
        await update.where('quarter', '=', quarter).execute();
      }
      if (state === 'detached' || state === 'dropped') {
        await advance(trx, quarter, 'restore', run, { restored_at: at, restored_until: until }, detail);
        // Somebody wants its rows: whether they may go is to be asked and approved anew.
        await clearApprovals(trx, quarter, 'drop');
      } else await recordEvent(trx, quarter, 'restore', run, { ...detail, until: mended, mended: true });
      await run.step?.('restore.attached');
    },
    { ...run, relations },
  );
  return state === 'detached' || state === 'dropped' ? until : mended;
}
