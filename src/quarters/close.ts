import { sql } from 'kysely';
import { combineDigests, digestSelect, lanesOf, type TableDigest, tableDigest } from '../core/digest.ts';
import { AppError, assert } from '../core/errors.ts';
import { isDone } from '../core/lifecycle.ts';
import { partitionName, type QuarterTable, quarterTables } from '../core/tables.ts';
import { readQuarterPartitions } from '../db/catalog.ts';
import { withQuarterLock } from '../db/locks.ts';
import { withLongStatements } from '../db/long-statement.ts';
import { fencePartitions, partitionSql, unfencePartitions } from '../db/partition.ts';
import type { Db, Trx } from '../db/schema.ts';
import { throwIfAborted } from '../platform/retry.ts';
import { readinessFaults, summaryFaults } from './close-checks.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { nothingToDo, type Obstacle, type Outlook, refusalOf } from './outlook.ts';
import { advance, type QuarterRow, readQuarter, recordEvent, requireState } from './registry.ts';
import { gatherBalances, ledgerFaults, writeTrialBalance } from './trial-balance.ts';

export interface CloseReport {
  readonly quarter: string;
  /** False when it was closed already. */
  readonly closed: boolean;
  readonly transactions: bigint;
  readonly entries: bigint;
  readonly digest: string;
  /** Accounts that moved, each with a row in the trial balance; undefined when it was closed already. */
  readonly accounts?: bigint;
}

/**
 * Closes a quarter: from then on PostgreSQL refuses every row for it, and its trial balance, counts and content digest
 * are fixed. The fence goes up first, so that what is checked and counted cannot change meanwhile; a check that fails
 * takes it down again. Killed in between, the quarter is open behind its fence, and the next close goes on from there.
 *
 * @throws AppError busy/summaries_outstanding, busy/quarter_busy, busy/lock_timeout: try again later
 * @throws AppError refused/quarter_not_ended, refused/earlier_quarter_open, refused/partition_not_attached,
 *   refused/quarter_refused when several of them apply
 * @throws AppError corrupt/close_check_failed when the books are not right; the detail names everything that is not
 */
export async function closeQuarter(
  house: QuarterHouse,
  run: QuarterRun,
  quarter: string,
): Promise<CloseReport> {
  return withQuarterLock(house.database.direct, quarter, async (session) => {
    const row = await readQuarter(session, quarter);
    const partitions = await readQuarterPartitions(session, quarter);
    const unfenced = partitions
      .filter(({ attachment, fenced }) => attachment === 'attached' && !fenced)
      .map(({ table }) => table);
    if (isDone('close', row.state)) {
      // Somebody took the fence away by hand; a closed quarter has one.
      if (row.state !== 'detached' && row.state !== 'dropped')
        await fencePartitions(session, unfenced, quarter, run);
      return reportOf(row);
    }
    requireState(row, 'close');
    const unready = await readinessFaults(house, session, row, partitions);
    if (unready.length > 0) {
      await unfence(session, run, quarter);
      throw refusalOf(unready);
    }
    await run.step?.('close.checked');
    await fencePartitions(session, unfenced, quarter, run);
    await run.step?.('close.fenced');
    const relations = partitions.map(({ table }) => [table.schema, partitionName(table, quarter)] as const);
    const outcome = await withLongStatements(
      session,
      { ...run, relations, pool: house.database.direct },
      () => session.transaction().execute((trx) => fixQuarter(trx, house, run, row)),
    ).catch(async (error: unknown) => {
      // Whatever went wrong, the quarter is open and has to take rows. With a lost session this fails as well; then
      // the next close goes on from here.
      await unfence(session, run, quarter).catch(() => {});
      throw error;
    });
    if ('faults' in outcome) {
      await unfence(session, run, quarter);
      throw await refuse(session, run, quarter, outcome.faults);
    }
    await run.step?.('close.closed');
    return outcome;
  });
}

/** Checks and counts the quarter behind its fence, and closes it when nothing is wrong: in one transaction. */
async function fixQuarter(
  trx: Trx,
  house: QuarterHouse,
  run: QuarterRun,
  row: QuarterRow,
): Promise<CloseReport | { readonly faults: readonly Obstacle[] }> {
  const { quarter } = row;
  const steps = ['trial balance', 'checks', ...quarterTables.map(({ name }) => `digest of ${name}`)];
  const begin = (done: number) => {
    throwIfAborted(run.signal);
    run.onProgress?.({ what: steps[done] ?? '', done, total: steps.length });
  };
  begin(0);
  await gatherBalances(trx, quarter);
  begin(1);
  // Whoever was writing while the first look was taken has left its marks by now.
  const faults = [...(await summaryFaults(house, trx, row)), ...(await ledgerFaults(trx, quarter))];
  if (faults.length > 0) return { faults };
  const accounts = await writeTrialBalance(trx, quarter);
  const digests: TableDigest[] = [];
  for (const [i, table] of quarterTables.entries()) {
    begin(2 + i);
    digests.push(await digestTable(trx, table, quarter));
  }
  const rowsOf = (name: string) => digests.find((one) => one.name === name)?.rows ?? 0n;
  const facts = {
    transactions: rowsOf('transactions'),
    entries: rowsOf('entries'),
    digest: combineDigests(digests),
  };
  const changes = { ...facts, closed_at: house.clock.now() };
  await advance(trx, quarter, 'close', run, changes, { ...facts, accounts });
  await run.step?.('close.counted');
  return { quarter, closed: true, ...facts, accounts };
}

async function digestTable(trx: Trx, table: QuarterTable, quarter: string): Promise<TableDigest> {
  const select = digestSelect(table, 'postgres', partitionSql(table, quarter));
  const { rows } = await sql.raw<Parameters<typeof lanesOf>[0]>(select).execute(trx);
  assert(rows[0], 'an aggregate has one row');
  const lanes = lanesOf(rows[0]);
  return { name: table.name, rows: lanes.rows, digest: tableDigest(lanes) };
}

/** The undo of the fence. Nobody has to wait for it longer than for the fence itself. */
async function unfence(session: Db, run: QuarterRun, quarter: string): Promise<void> {
  const partitions = await readQuarterPartitions(session, quarter);
  const fenced = partitions.filter((one) => one.fenced).map(({ table }) => table);
  await unfencePartitions(session, fenced, quarter, run);
}

/** Summaries that lag come right by themselves; books that do not add up are a matter for people, and for the story. */
async function refuse(
  session: Db,
  run: QuarterRun,
  quarter: string,
  faults: readonly Obstacle[],
): Promise<AppError> {
  if (faults.every(({ kind }) => kind === 'busy')) return refusalOf(faults);
  await recordEvent(session, quarter, 'close_refused', run, { faults });
  const detail = `${quarter} stays open. ${faults.map((fault) => fault.detail).join(' ')}`;
  return new AppError('corrupt', 'close_check_failed', detail);
}

function reportOf({ quarter, transactions, entries, digest }: QuarterRow): CloseReport {
  assert(
    transactions !== null && entries !== null && digest !== null,
    `${quarter} was closed without a count`,
  );
  return { quarter, closed: false, transactions, entries, digest };
}

/** What a close finds and would do. */
export async function previewClose(house: QuarterHouse, _run: QuarterRun, quarter: string): Promise<Outlook> {
  const db = house.database.direct;
  const row = await readQuarter(db, quarter);
  if (isDone('close', row.state)) return nothingToDo;
  const partitions = await readQuarterPartitions(db, quarter);
  return { done: false, obstacles: await readinessFaults(house, db, row, partitions), steps: [] };
}
