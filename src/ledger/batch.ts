import { AppError, isAppError } from '../core/errors.ts';
import { decide, type Outcome } from '../core/posting.ts';
import type { Calendar } from '../core/quarter.ts';
import type { Db, Trx } from '../db/schema.ts';
import { isConnectionLoss, isTransient, sqlState, toAppError } from '../db/sqlstate.ts';
import { retry } from '../platform/retry.ts';
import { type AccountCache, type AccountName, accountsNamed, resolveAccounts } from './accounts.ts';
import { type ClosedRange, closedRanges } from './closed.ts';
import { claimKeys } from './idempotency.ts';
import type { PostRequest } from './request.ts';
import { type Booking, insertEntries, insertTransactions, markDays, updateBalances } from './rows.ts';
import { lockState } from './state.ts';

/** What writing needs. Made once per process. */
export interface BatchHouse {
  readonly db: Db;
  readonly calendar: Calendar;
  readonly accounts: AccountCache;
  readonly newId: (createdAt: Date) => string;
}

export interface BatchOptions {
  /** Nothing after the first refusal is decided or written: it is the last outcome. */
  readonly stopAtRefusal?: boolean | undefined;
  /** The caller's last statements, in the same transaction, and again when that is tried again. What it throws takes all back. */
  readonly within?: ((trx: Trx, outcomes: readonly Outcome[]) => Promise<void>) | undefined;
  /** `within` refuses to commit the same batch twice, so a batch whose fate is unknown may be sent again. */
  readonly guarded?: boolean | undefined;
  readonly attempts?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What became of a request, and its id where it stands. */
export interface Written {
  readonly outcome: Outcome;
  readonly id?: string | undefined;
}

/** How long short statements are tried again: about a second. */
export const patience = { attempts: 6, baseMs: 25, capMs: 2000 };

/** How often a batch is decided anew because a quarter it writes to was closed meanwhile. */
const CLOSED_TWICE = 2;

/**
 * Writes a batch of one ledger in one short transaction: lock → decide → write. What may pass by itself is tried again;
 * a connection that is lost while it commits only when the batch cannot count twice.
 *
 * @throws KeyTaken when somebody took an idempotency key meanwhile; nothing was written
 * @throws AppError unavailable/outcome_unknown, refused/quarter_closed, unavailable/no_partition
 */
export async function writeBatch(
  house: BatchHouse,
  ledgerId: number,
  requests: readonly PostRequest[],
  options: BatchOptions = {},
): Promise<Written[]> {
  const repeatable = options.guarded || requests.every((request) => request.idempotency);
  let committing = false;
  let closedMeanwhile = 0;

  async function attempt(): Promise<Written[]> {
    committing = false;
    const resolved = await resolveAccounts(house.db, house.accounts, ledgerId, namesOf(requests));
    const accountIds = accountsNamed(resolved, namesOf(requests));
    const closed = await closedWithin(house.db, requests);
    return house.db
      .transaction()
      .setIsolationLevel('read committed')
      .execute(async (trx) => {
        const written: Written[] = [];
        if (requests.length > 0) {
          const state = await lockState(trx, ledgerId, accountIds, closed);
          const { outcomes, changes } = decide(requests, state, options);
          const bookings: Booking[] = [];
          for (const [index, outcome] of outcomes.entries()) {
            const id = outcome.kind === 'refused' ? undefined : house.newId(outcome.createdAt);
            written.push({ outcome, id });
            if (id === undefined || outcome.kind === 'refused') continue;
            const at = outcome.createdAt.toISOString();
            bookings.push({ id, request: requests[index] as PostRequest, accepted: outcome, at });
          }
          if (bookings.length > 0) {
            await claimKeys(trx, ledgerId, bookings);
            await insertTransactions(trx, ledgerId, bookings);
            await insertEntries(trx, ledgerId, bookings);
            await updateBalances(trx, ledgerId, changes);
            await markDays(trx, ledgerId, daysOf(house.calendar, bookings));
          }
        }
        await options.within?.(
          trx,
          written.map(({ outcome }) => outcome),
        );
        committing = true;
        return written;
      });
  }

  function mayPass(error: unknown): boolean {
    if (isAppError(toAppError(error), 'quarter_closed')) {
      // Only a batch with times of its own looks up what is closed, and then finds it.
      return requests.some(({ createdAt }) => createdAt) && ++closedMeanwhile <= CLOSED_TWICE;
    }
    return isTransient(error) && (repeatable || !(committing && isConnectionLoss(error)));
  }

  try {
    return await retry(attempt, {
      ...patience,
      attempts: options.attempts ?? patience.attempts,
      retryable: mayPass,
      signal: options.signal,
    });
  } catch (error) {
    // What the caller or our own code threw is not a failure of the database.
    if (sqlState(error) === undefined && !isConnectionLoss(error)) throw error;
    if (committing && isConnectionLoss(error) && !repeatable) {
      const detail =
        'The connection was lost while the transaction committed, so it may or may not be booked. Look for it before sending it again; with an idempotency key it could simply be sent again.';
      throw new AppError('unavailable', 'outcome_unknown', detail, { cause: error });
    }
    throw toAppError(error);
  }
}

function* namesOf(requests: readonly PostRequest[]): Iterable<AccountName> {
  for (const { postings } of requests) {
    for (const { from, to, currency } of postings) {
      yield { address: from, currency };
      yield { address: to, currency };
    }
  }
}

/** Quarters are looked up for requests that bring a time of their own; now is never closed. */
async function closedWithin(db: Db, requests: readonly PostRequest[]): Promise<ClosedRange[]> {
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { createdAt } of requests) {
    if (!createdAt) continue;
    first = Math.min(first, createdAt.getTime());
    last = Math.max(last, createdAt.getTime());
  }
  return first > last ? [] : closedRanges(db, new Date(first), new Date(last));
}

function daysOf(calendar: Calendar, bookings: readonly Booking[]): Set<string> {
  return new Set(bookings.map(({ accepted }) => calendar.dayOf(accepted.createdAt)));
}
