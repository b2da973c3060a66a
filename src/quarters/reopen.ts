import { sql } from 'kysely';
import { isDone } from '../core/lifecycle.ts';
import { partitionName, type QuarterTable } from '../core/tables.ts';
import { readQuarterPartitions } from '../db/catalog.ts';
import { withQuarterLock } from '../db/locks.ts';
import { unfencePartitions } from '../db/partition.ts';
import type { Db, Trx } from '../db/schema.ts';
import { clearApprovals } from './approvals.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { deleteCounterparties } from './counterparties.ts';
import { type Obstacle, type Outlook, requireClear, stateObstacle } from './outlook.ts';
import { reasonObstacle } from './reason.ts';
import { deleteReference } from './reference.ts';
import { advance, type QuarterRow, readQuarter, recordEvent } from './registry.ts';
import { deleteTrialBalance } from './trial-balance.ts';

export interface ReopenReport {
  readonly quarter: string;
  /** False when it was open already. */
  readonly reopened: boolean;
  /** Later quarters whose close does not count any more. */
  readonly stale: readonly string[];
}

/**
 * Lets a closed quarter take rows again, for a reason that its story keeps. Nothing that is archived is reopened, and nothing
 * before a quarter that is: what left the ledger stays as it was proved to be. Later quarters that are closed become
 * stale, for their openings were taken from this one, and have to be closed again after it.
 *
 * The state comes first and the fence after it. Killed in between, the quarter is open behind its fence; run again,
 * or closed, it is out of that.
 *
 * @throws AppError invalid/reason_missing, invalid/invalid_reason, conflict/quarter_state,
 *   refused/later_quarter_archived, busy/quarter_busy, busy/lock_timeout
 */
export async function reopenQuarter(
  house: QuarterHouse,
  run: QuarterRun,
  quarter: string,
): Promise<ReopenReport> {
  return withQuarterLock(house.database.direct, quarter, async (session) => {
    const { outlook, fenced } = await lookAt(session, run, quarter, false);
    requireClear(outlook);
    await run.step?.('reopen.checked');
    const stale = outlook.done
      ? []
      : await session
          .transaction()
          .setIsolationLevel('read committed')
          .execute(async (trx) => {
            const names = await reopenIn(trx, house, run, quarter);
            await run.step?.('reopen.recorded');
            return names;
          });
    await run.step?.('reopen.committed');
    await unfencePartitions(session, fenced, quarter, run);
    await run.step?.('reopen.unfenced');
    return { quarter, reopened: !outlook.done, stale };
  });
}

/** What a reopen finds and would do. */
export async function previewReopen(house: QuarterHouse, run: QuarterRun, quarter: string): Promise<Outlook> {
  return (await lookAt(house.database.direct, run, quarter, false)).outlook;
}

interface Look {
  readonly row: QuarterRow;
  /** Later quarters, oldest first. */
  readonly later: readonly Pick<QuarterRow, 'quarter' | 'state'>[];
  readonly fenced: readonly QuarterTable[];
  readonly outlook: Outlook;
}

/**
 * With `lock` the rows of this quarter and of all later ones stay as they are until the transaction ends. They are locked from the
 * oldest on, as a close does with those before it. An archive of a later quarter that comes after this finds it stale.
 */
async function lookAt(db: Db, run: QuarterRun, quarter: string, lock: boolean): Promise<Look> {
  if (lock) {
    await db
      .selectFrom('quartermaster.quarters')
      .select('quarter')
      .where('quarter', '>=', quarter)
      .orderBy('quarter')
      .forUpdate()
      .execute();
  }
  const row = await readQuarter(db, quarter);
  const later = await db
    .selectFrom('quartermaster.quarters')
    .select(['quarter', 'state'])
    .where('quarter', '>', quarter)
    .orderBy('quarter')
    .execute();
  const fenced = (await readQuarterPartitions(db, quarter))
    .filter((one) => one.fenced)
    .map(({ table }) => table);
  const names = fenced.map((table) => `${table.schema}.${partitionName(table, quarter)}`);
  const unfence = names.length === 0 ? [] : [`let rows into ${names.join(' and ')} again`];
  const reason = reasonObstacle(run, 'reopen', quarter);
  if (isDone('reopen', row.state))
    return { row, later, fenced, outlook: { done: true, obstacles: reason, steps: unfence } };
  const closed = later.filter(({ state }) => state === 'closed').map((one) => one.quarter);
  const steps = [
    `take back the trial balance, the counts and the digest of ${quarter}`,
    ...closed.map((name) => `mark ${name} as stale: it has to be closed again`),
    ...unfence,
  ];
  const obstacles = [...reason, ...stateFaults(row), ...(row.state === 'closed' ? laterFaults(later) : [])];
  return { row, later, fenced, outlook: { done: false, obstacles, steps } };
}

function stateFaults({ quarter, state }: QuarterRow): Obstacle[] {
  return stateObstacle(quarter, state, 'reopen').map((obstacle) =>
    state === 'planned'
      ? obstacle
      : {
          ...obstacle,
          detail: `${obstacle.detail} What is archived stays as it is: book a correction now and give its true date as effective_at.`,
        },
  );
}

function laterFaults(later: Look['later']): Obstacle[] {
  const gone = later.filter(({ state }) => !['planned', 'open', 'closed'].includes(state));
  if (gone.length === 0) return [];
  const names = gone.map(({ quarter, state }) => `${quarter} is ${state}`);
  const detail = `What comes later rests on this quarter, and ${names.join(', ')}. Book a correction now and give its true date as effective_at.`;
  return [{ code: 'later_quarter_archived', detail }];
}

/** Looks again with everything locked, and takes the close back. */
async function reopenIn(trx: Trx, house: QuarterHouse, run: QuarterRun, quarter: string): Promise<string[]> {
  const { row, later, outlook } = await lookAt(trx, run, quarter, true);
  requireClear(outlook);
  const reason = run.reason?.trim();
  const { transactions, entries, digest, closed_at, stale_reason } = row;
  const stale = later.filter(({ state }) => state === 'closed').map((one) => one.quarter);
  await advance(
    trx,
    quarter,
    'reopen',
    { ...run, reason },
    {
      transactions: null,
      entries: null,
      digest: null,
      closed_at: null,
      stale_reason: null,
      reopened_at: house.clock.now(),
      frozen_at: null,
    },
    { stale, was: { transactions, entries, digest, closed_at, stale: stale_reason } },
  );
  await deleteTrialBalance(trx, quarter);
  await deleteReference(trx, quarter);
  await deleteCounterparties(trx, quarter);
  await clearApprovals(trx, quarter);
  await trx.deleteFrom('quartermaster.archive_parts').where('quarter', '=', quarter).execute();
  const why = `${quarter} was reopened: ${reason}`;
  for (const name of stale) {
    await trx
      .updateTable('quartermaster.quarters')
      .set({ stale_reason: why, updated_at: sql<Date>`now()` })
      .where('quarter', '=', name)
      .execute();
    await clearApprovals(trx, name);
    await recordEvent(trx, name, 'stale', { ...run, reason: why }, { reopened: quarter });
  }
  return stale;
}
