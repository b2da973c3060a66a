import { AppError } from '../core/errors.ts';
import { isDone } from '../core/lifecycle.ts';
import { type QuarterTable, quarterTables } from '../core/tables.ts';
import { readCatalog } from '../db/catalog.ts';
import { withQuarterLock } from '../db/locks.ts';
import { detachPartition, finalizeDetach } from '../db/partition.ts';
import type { Db } from '../db/schema.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { nothingToDo, type Outlook } from './outlook.ts';
import { advance, type QuarterRow, readQuarter, requireState } from './registry.ts';

export interface DetachReport {
  readonly quarter: string;
  /** Tables that this run took out; those that had left already are not among them. */
  readonly detached: readonly string[];
}

/**
 * Takes an archived quarter out of the tables. Its own tables stay, for the drop. Readers and writers are never kept
 * waiting: the wait for those who began earlier is ours, and `run.onBlocked` hears who they are. Stopped or killed in
 * between, the next run, or the reconcile, ends what was begun.
 *
 * @throws AppError refused/quarter_held, conflict/not_verified, corrupt/digest_differs, conflict/partition_missing
 * @throws AppError busy/quarter_busy, busy/detach_pending: try again later
 */
export async function detachQuarter(
  house: QuarterHouse,
  run: QuarterRun,
  quarter: string,
): Promise<DetachReport> {
  return withQuarterLock(house.database.direct, quarter, async (session) => {
    const row = await readQuarter(session, quarter);
    if (isDone('detach', row.state)) return { quarter, detached: [] };
    requireState(row, 'detach');
    await requireProof(session, row);
    const detached: string[] = [];
    for (const table of quarterTables) {
      await run.step?.(`detach.before.${table.name}`);
      if (await detachTable(house, session, run, table, quarter)) detached.push(table.name);
      await run.step?.(`detach.after.${table.name}`);
    }
    await session.transaction().execute(async (trx) => {
      await advance(trx, quarter, 'detach', run, { detached_at: house.clock.now() }, { detached });
      await run.step?.('detach.recorded');
    });
    await run.step?.('detach.committed');
    return { quarter, detached };
  });
}

/** No row leaves before its archive was read back and found equal, and none of a held quarter leaves at all. */
async function requireProof(db: Db, { quarter, digest, hold_reason }: QuarterRow): Promise<void> {
  if (hold_reason !== null) {
    const detail = `${quarter} is held: ${hold_reason}. When it need not be any more: \`quartermaster quarters unhold ${quarter}\`.`;
    throw new AppError('refused', 'quarter_held', detail);
  }
  const archive = await db
    .selectFrom('quartermaster.archives')
    .select(['digest', 'verified_at'])
    .where('quarter', '=', quarter)
    .executeTakeFirst();
  if (archive === undefined) {
    const detail = `No archive of ${quarter} was ever verified. Run \`quartermaster quarters archive ${quarter}\`.`;
    throw new AppError('conflict', 'not_verified', detail);
  }
  if (archive.verified_at === null) {
    const detail = `The archive of ${quarter} was found damaged when it was last read. Mend the store and run \`quartermaster quarters verify ${quarter}\`.`;
    throw new AppError('corrupt', 'archive_damaged', detail);
  }
  if (archive.digest !== digest) {
    const detail = `The archive of ${quarter} holds ${archive.digest}, and the quarter was closed with ${digest}. Do not detach it; find out which is right.`;
    throw new AppError('corrupt', 'digest_differs', detail);
  }
}

/** Brings one table to the end of its detach from wherever it stands. False when it had left before. */
async function detachTable(
  house: QuarterHouse,
  session: Db,
  run: QuarterRun,
  table: QuarterTable,
  quarter: string,
): Promise<boolean> {
  const found = await readCatalog(session, [table]);
  const options = { ...run, pool: house.database.direct };
  // PostgreSQL lets one detach of a table be pending at a time, so another quarter's is ended before ours begins.
  const pending = found.find((one) => one.attachment === 'detaching' && one.quarter !== quarter);
  if (pending !== undefined) {
    const end = (locked: Db) => finalizeDetach(locked, table, pending, options);
    await (pending.quarter === undefined ? end(session) : withQuarterLock(session, pending.quarter, end));
  }
  const mine = found.find((one) => one.quarter === quarter);
  switch (mine?.attachment) {
    case 'attached': {
      const hasDefault = found.some(({ bounds }) => bounds === 'default');
      await detachPartition(session, table, quarter, { ...options, hasDefault });
      return true;
    }
    case 'detaching':
      await finalizeDetach(session, table, mine, options);
      return true;
    case 'standalone':
      return false;
    case undefined: {
      const detail = `${table.schema}.${table.name} has no partition of ${quarter}, and there is no table of that name. Somebody dropped it; restore the quarter.`;
      throw new AppError('conflict', 'partition_missing', detail);
    }
  }
}

export async function previewDetach(
  _house: QuarterHouse,
  _run: QuarterRun,
  _quarter: string,
): Promise<Outlook> {
  return nothingToDo;
}
