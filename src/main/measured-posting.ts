import type { RefusalCode } from '../core/refusal.ts';
import { toAppError } from '../db/sqlstate.ts';
import type { Batcher, BatcherObserver } from '../ledger/batcher.ts';
import type { OnRows } from '../ledger/load-write.ts';
import type { PostResult } from '../ledger/post.ts';
import type { Metrics } from '../platform/metrics.ts';

/** What may become of a transaction that was asked for. */
export const outcomes = ['booked', 'recorded', 'reserved', 'freed', 'replayed', 'refused', 'failed'] as const;

type Outcome = (typeof outcomes)[number];

/** By what a transaction or a reservation has become. */
const outcomeOfStatus: Readonly<Record<string, Outcome>> = {
  SUCCESS: 'booked',
  // Booked as one that failed elsewhere.
  FAILED: 'recorded',
  PENDING: 'reserved',
  VOIDED: 'freed',
  EXPIRED: 'freed',
};

/** Why a rule refuses it. A record, so that the compiler misses the one that is added. */
const refusals: Record<RefusalCode, true> = {
  account_not_found: true,
  account_not_active: true,
  currency_mismatch: true,
  insufficient_funds: true,
  out_of_order: true,
  quarter_closed: true,
  amount_invalid: true,
  same_account: true,
  balance_overflow: true,
  in_the_future: true,
  before_oldest: true,
  expires_in_the_past: true,
  amounts_invalid: true,
  reservation_not_found: true,
  reservation_not_pending: true,
  reservation_expired: true,
  reservation_not_expired: true,
  transaction_not_found: true,
  already_reversed: true,
  nothing_to_reverse: true,
  batch_refused: true,
};

/** Why posting itself may fail, or a key stand in its way. */
const failures = [
  'overloaded',
  'outcome_unknown',
  'database_unavailable',
  'serialization',
  'lock_timeout',
  'statement_canceled',
  'read_only',
  'no_partition',
  'idempotency_key_busy',
  'idempotency_key_reused',
  'quarter_not_online',
  'insufficient_privilege',
  'not_migrated',
  'internal',
] as const;

/** The codes that are told one by one; all others are `other`. */
export const reasons: ReadonlySet<string> = new Set([...Object.keys(refusals), ...failures]);

/** Counts what the batcher does. */
export function watchPosting(
  metrics: Metrics,
  { queueMax }: { readonly queueMax: number },
): { readonly observer: BatcherObserver; watch(batcher: Batcher): void } {
  const count = (outcome: Outcome, reason: string, by: number) =>
    metrics.count('posting_transactions_total', { outcome, reason }, by);
  metrics.set('posting_queue_limit', {}, queueMax);
  // What alerts look at is there from 0 on, for of a series that begins at 1 nobody sees the step.
  count('booked', 'none', 0);
  for (const reason of ['overloaded', 'outcome_unknown', 'database_unavailable', 'no_partition', 'internal'])
    count('failed', reason, 0);

  return {
    observer: {
      onBegin(size, waited) {
        metrics.observe('posting_batch_size', {}, size);
        for (const seconds of waited) metrics.observe('posting_wait_seconds', {}, seconds);
      },
      onEnd: (outcome, seconds) => metrics.observe('posting_batch_duration_seconds', { outcome }, seconds),
      onResults(results) {
        for (const { outcome, reason, times } of tally(results)) {
          count(outcome, reason, times);
          if (outcome === 'replayed') metrics.count('posting_replays_total', {}, times);
        }
      },
      onFailure: (transactions, error) => count('failed', reasonOf(toAppError(error).code), transactions),
    },
    watch(batcher) {
      metrics.onPage(() => {
        const { waiting, underWay } = batcher.look();
        metrics.set('posting_queue_transactions', {}, waiting);
        metrics.set('posting_batches_in_flight', {}, underWay);
      });
    },
  };
}

/** Counts the rows of loads. */
export function watchLoads(metrics: Metrics): OnRows {
  const count = (outcome: string, by: number) => metrics.count('load_rows_total', { outcome }, by);
  const onRows: OnRows = ({ booked, rejected }) => {
    count('booked', booked);
    count('rejected', rejected);
  };
  onRows({ booked: 0, rejected: 0 });
  return onRows;
}

/** Results that came to the same are counted together: a batch of a client may have a thousand of them. */
function tally(results: readonly PostResult[]) {
  const found = new Map<string, { outcome: Outcome; reason: string; times: number }>();
  for (const result of results) {
    const outcome = outcomeOf(result);
    const reason = result.kind === 'refused' ? reasonOf(result.error.code) : 'none';
    const key = `${outcome} ${reason}`;
    const known = found.get(key);
    if (known === undefined) found.set(key, { outcome, reason, times: 1 });
    else known.times++;
  }
  return found.values();
}

function outcomeOf(result: PostResult): Outcome {
  if (result.kind !== 'created') return result.kind;
  return outcomeOfStatus[result.transaction.status] ?? 'booked';
}

function reasonOf(code: string): string {
  return reasons.has(code) ? code : 'other';
}
