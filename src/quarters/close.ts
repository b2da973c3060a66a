import { AppError, assert } from '../core/errors.ts';
import { isDone } from '../core/lifecycle.ts';
import { partitionName, type QuarterTable } from '../core/tables.ts';
import { type QuarterPartition, readQuarterPartitions } from '../db/catalog.ts';
import { withQuarterLock } from '../db/locks.ts';
import { withLongStatements } from '../db/long-statement.ts';
import { fencePartitions, unfencePartitions } from '../db/partition.ts';
import type { Db } from '../db/schema.ts';
import { type CloseCheck, checkNames } from './close-checks.ts';
import { fixQuarter } from './close-count.ts';
import { readinessFaults } from './close-ready.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { fenceAgain } from './drift-fence.ts';
import { type Outlook, refusalOf, requireClear, stateObstacle } from './outlook.ts';
import { type QuarterRow, readQuarter, recordEvent } from './registry.ts';

export interface CloseReport {
  readonly quarter: string;
  /** False when it was closed already. */
  readonly closed: boolean;
  readonly transactions: bigint;
  readonly entries: bigint;
  readonly digest: string;
  /** What was checked, by name; of a quarter that was closed already what was checked then. */
  readonly checks: readonly CloseCheck[];
  /** Accounts that moved, each with a row in the trial balance; undefined when it was closed already. */
  readonly accounts?: bigint;
}

/**
 * Closes a quarter: from then on PostgreSQL refuses every row for it, and its trial balance, counts and content digest
 * are fixed. The fence goes up first, so that what is checked and counted cannot change meanwhile; a check that fails
 * takes it down again. Killed in between, the quarter is open behind its fence, and the next close goes on from there.
 *
 * A closed quarter that is stale, for an earlier one was reopened, is closed anew. Its fence stays up throughout.
 * Of one that was closed already only a fence that somebody took away is put back, when nothing was changed behind it.
 *
 * @throws AppError busy/summaries_outstanding, busy/quarter_busy, busy/lock_timeout: try again later
 * @throws AppError refused/quarter_not_ended, refused/earlier_quarter_open, refused/earlier_quarter_stale,
 *   refused/partition_not_attached, conflict/quarter_state, and any kind/quarter_refused when several of them apply
 * @throws AppError corrupt/quarter_changed when it was closed already, lost its fence, and holds other rows now
 * @throws AppError corrupt/close_check_failed when the books are not right; the detail names every check that failed
 */
export async function closeQuarter(
  house: QuarterHouse,
  run: QuarterRun,
  quarter: string,
): Promise<CloseReport> {
  return withQuarterLock(house.database.direct, quarter, async (session) => {
    const { row, partitions, unfenced, outlook } = await lookAt(house, session, quarter);
    if (outlook.done) {
      // Who took the fence away may have changed rows as well, and a fence would say that nobody has.
      if (unfenced.length > 0) await fenceAgain(house, session, run, quarter);
      return reportOf(session, row);
    }
    const again = row.state === 'closed';
    // Whatever stands in the way of a first close, the quarter is open and has to take rows.
    const giveUp = async () => {
      if (!again) await unfence(session, run, quarter);
    };
    if (outlook.obstacles.length > 0) await giveUp();
    requireClear(outlook);
    await run.step?.('close.checked');
    await fencePartitions(session, unfenced, quarter, run);
    await run.step?.('close.fenced');
    const relations = partitions.map(({ table }) => [table.schema, partitionName(table, quarter)] as const);
    const outcome = await withLongStatements(
      session,
      { ...run, relations, pool: house.database.direct },
      () =>
        session
          .transaction()
          .setIsolationLevel('read committed')
          .execute((trx) => fixQuarter(trx, house, run, row)),
    ).catch(async (error: unknown) => {
      // With a lost session this fails as well; then the next close goes on from here.
      await giveUp().catch(() => {});
      throw error;
    });
    if ('facts' in outcome) {
      await run.step?.('close.closed');
      return { quarter, closed: true, ...outcome.facts };
    }
    await giveUp();
    if ('obstacles' in outcome) throw refusalOf(outcome.obstacles);
    throw await refuse(session, run, row, outcome.failed);
  });
}

/** What a close finds and would do. */
export async function previewClose(house: QuarterHouse, _run: QuarterRun, quarter: string): Promise<Outlook> {
  return (await lookAt(house, house.database.direct, quarter)).outlook;
}

interface Look {
  readonly row: QuarterRow;
  readonly partitions: readonly QuarterPartition[];
  /** Attached, and open to rows: a closed quarter has none of these, unless somebody took the fence away by hand. */
  readonly unfenced: readonly QuarterTable[];
  readonly outlook: Outlook;
}

async function lookAt(house: QuarterHouse, db: Db, quarter: string): Promise<Look> {
  const row = await readQuarter(db, quarter);
  const partitions = await readQuarterPartitions(db, quarter);
  const unfenced = partitions
    .filter(({ attachment, fenced }) => attachment === 'attached' && !fenced)
    .map(({ table }) => table);
  const names = unfenced.map((table) => `${table.schema}.${partitionName(table, quarter)}`);
  const fence = names.length === 0 ? [] : [`let no more rows into ${names.join(' and ')}`];
  const done = isDone('close', row.state) && row.stale_reason === null;
  if (done) {
    const steps = fence.map((step) => `${step} again, if ${quarter} still holds what was closed`);
    return { row, partitions, unfenced, outlook: { done, obstacles: [], steps } };
  }
  const wrongState = row.state === 'closed' ? [] : stateObstacle(quarter, row.state, 'close');
  const obstacles = [...wrongState, ...(await readinessFaults(house, db, row, partitions))];
  const steps = [
    ...fence,
    `check its books: ${checkNames.join(', ')}`,
    `fix its trial balance${row.state === 'closed' ? ' anew' : ''}, and accounts and currencies as they are now`,
    'count its rows and take their digest',
  ];
  return { row, partitions, unfenced, outlook: { done, obstacles, steps } };
}

/** The undo of the fence. Nobody has to wait for it longer than for the fence itself. */
async function unfence(session: Db, run: QuarterRun, quarter: string): Promise<void> {
  const partitions = await readQuarterPartitions(session, quarter);
  const fenced = partitions.filter((one) => one.fenced).map(({ table }) => table);
  await unfencePartitions(session, fenced, quarter, run);
}

/** Books that do not add up are a matter for people, and for the story. */
async function refuse(
  session: Db,
  run: QuarterRun,
  { quarter, state }: QuarterRow,
  checks: readonly CloseCheck[],
): Promise<AppError> {
  await recordEvent(session, quarter, 'close_refused', run, { checks });
  const failing = checks.filter(({ ok }) => !ok);
  const stays = state === 'closed' ? 'stays stale' : 'stays open';
  const detail = `${quarter} ${stays}: ${failing.length} of ${checks.length} checks failed. ${failing.map(({ name, detail }) => `${name}: ${detail}`).join(' ')}`;
  return new AppError('corrupt', 'close_check_failed', detail);
}

async function reportOf(
  db: Db,
  { quarter, transactions, entries, digest }: QuarterRow,
): Promise<CloseReport> {
  assert(
    transactions !== null && entries !== null && digest !== null,
    `${quarter} was closed without a count`,
  );
  const last = await db
    .selectFrom('quartermaster.quarter_events')
    .select('detail')
    .where('quarter', '=', quarter)
    .where('event', '=', 'close')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  const checks = (last?.detail.checks ?? []) as readonly CloseCheck[];
  return { quarter, closed: false, transactions, entries, digest, checks };
}
