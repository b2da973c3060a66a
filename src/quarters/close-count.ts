import { sql } from 'kysely';
import { combineDigests, type TableDigest } from '../core/digest.ts';
import { assert } from '../core/errors.ts';
import { quarterTables } from '../core/tables.ts';
import { partitionSql } from '../db/partition.ts';
import type { Trx } from '../db/schema.ts';
import { throwIfAborted } from '../platform/retry.ts';
import { clearApprovals } from './approvals.ts';
import { type CloseCheck, runChecks } from './close-checks.ts';
import { daysOf } from './close-findings.ts';
import { chainFaults, readChain, summaryFaults } from './close-ready.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { fixCounterparties } from './counterparties.ts';
import { type Obstacle, refusalOf } from './outlook.ts';
import { fixReference } from './reference.ts';
import { advance, type QuarterRow, recordEvent } from './registry.ts';
import { digestOfTable } from './table-digest.ts';
import { writeTrialBalance } from './trial-balance.ts';

/** What is fixed of a quarter; or what has to come right first; or the checks, of which some failed. */
export type CloseOutcome =
  | {
      readonly facts: {
        readonly transactions: bigint;
        readonly entries: bigint;
        readonly digest: string;
        readonly accounts: bigint;
        readonly checks: readonly CloseCheck[];
      };
    }
  | { readonly obstacles: readonly Obstacle[] }
  | { readonly failed: readonly CloseCheck[] };

/**
 * Checks and counts a quarter behind its fence, and closes it when nothing is wrong: in the caller's transaction, which sees
 * what others commit meanwhile.
 *
 * @throws AppError refused/earlier_quarter_open, refused/earlier_quarter_stale, busy/quarter_busy when an earlier quarter was
 *   reopened meanwhile
 */
export async function fixQuarter(
  trx: Trx,
  house: QuarterHouse,
  run: QuarterRun,
  row: QuarterRow,
): Promise<CloseOutcome> {
  const { quarter } = row;
  const tables = quarterTables.map(({ name }) => `digest of ${name}`);
  const steps = ['sums', 'transactions', 'summaries', 'trial balance', 'reference data', ...tables];
  const begin = (what: string) => {
    throwIfAborted(run.signal);
    run.onProgress?.({ what, done: Math.max(0, steps.indexOf(what)), total: steps.length });
  };
  const chain = await readChain(trx, row, false);
  if (chain.faults.length > 0) return { obstacles: chain.faults };
  await run.step?.('close.begun');
  // Whoever was writing while the first look was taken has left its marks by now.
  const outstanding = await summaryFaults(house, trx, row);
  const days = daysOf(house.calendar, row.starts_at, row.ends_at);
  const checks = (await runChecks(trx, row, days, begin)).map((check) =>
    // Summaries that lag come right by themselves: they are no sign of anything wrong.
    check.name === 'summaries' && outstanding[0] !== undefined
      ? { ...check, ok: false, detail: outstanding[0].detail }
      : check,
  );
  const failing = checks.filter(({ ok }) => !ok).map(({ name }) => name);
  if (outstanding.length > 0 && failing.every((name) => name === 'summaries'))
    return { obstacles: outstanding };
  if (failing.length > 0) {
    // Without the trial balance of an earlier quarter no opening is right, and nothing is wrong with this one.
    const moved = chainFaults(chain, await readChain(trx, row, false));
    return moved.length > 0 ? { obstacles: moved } : { failed: checks };
  }
  begin('trial balance');
  const accounts = await writeTrialBalance(trx, quarter);
  await run.step?.('close.balanced');
  begin('reference data');
  await fixReference(trx, quarter);
  await fixCounterparties(trx, quarter);
  const digests: TableDigest[] = [];
  for (const table of quarterTables) {
    begin(`digest of ${table.name}`);
    const counted = await digestOfTable(trx, table.columns, partitionSql(table, quarter));
    digests.push({ name: table.name, ...counted });
  }
  const rowsOf = (name: string) => digests.find((one) => one.name === name)?.rows ?? 0n;
  const facts = {
    transactions: rowsOf('transactions'),
    entries: rowsOf('entries'),
    digest: combineDigests(digests),
  };
  // What was asked, approved or begun for it as it was before does not count.
  await clearApprovals(trx, quarter);
  await trx.deleteFrom('quartermaster.archive_parts').where('quarter', '=', quarter).execute();
  // From here on nothing earlier can be reopened before this is committed, and then the reopen sees that it is closed.
  const broken = chainFaults(chain, await readChain(trx, row, true));
  if (broken.length > 0) throw refusalOf(broken);
  await run.step?.('close.ordered');
  const changes = { ...facts, closed_at: house.clock.now() };
  const detail = { ...facts, accounts, checks };
  if (row.state === 'closed') await closeAgain(trx, run, row, changes, detail);
  else await advance(trx, quarter, 'close', run, changes, detail);
  await run.step?.('close.counted');
  return { facts: detail };
}

/** The state stays; what makes it stale goes. The quarter's lock sees to it that it is the close that was looked at. */
async function closeAgain(
  trx: Trx,
  run: QuarterRun,
  { quarter, digest, stale_reason }: QuarterRow,
  changes: Pick<QuarterRow, 'transactions' | 'entries' | 'digest' | 'closed_at'>,
  detail: Record<string, unknown>,
): Promise<void> {
  const closed = await trx
    .updateTable('quartermaster.quarters')
    .set({ ...changes, stale_reason: null, updated_at: sql<Date>`now()` })
    .where('quarter', '=', quarter)
    .where('state', '=', 'closed')
    .executeTakeFirst();
  assert(closed.numUpdatedRows === 1n, `${quarter} was reopened or archived by somebody without its lock`);
  const was = { digest, stale: stale_reason };
  await recordEvent(trx, quarter, 'close', run, { ...detail, again: true, was });
}
