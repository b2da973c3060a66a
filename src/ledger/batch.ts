import type { Outcome } from '../core/decide.ts';
import { AppError, isAppError } from '../core/errors.ts';
import type { Calendar } from '../core/quarter.ts';
import type { Db, Trx } from '../db/schema.ts';
import { isConnectionLoss, isTransient, sqlState, toAppError } from '../db/sqlstate.ts';
import { OutcomeUnknown, transact } from '../db/transact.ts';
import { type OnRetry, retry } from '../platform/retry.ts';
import { type AccountCache, type KnownAccount, resolveAccounts } from './accounts.ts';
import { type ClosedRange, closedRanges } from './closed.ts';
import { type Judged, type Judging, judge } from './judge.ts';
import { type FindArchived, type Prepared, prepare } from './prepare.ts';
import type { PostRequest } from './request.ts';
import { readStates } from './reservations.ts';
import { readOriginals } from './reversals.ts';
import { readStanding } from './state.ts';
import { sendRows, writeSums } from './write.ts';

/** What writing needs. Made once per process. */
export interface BatchHouse {
  readonly db: Db;
  readonly calendar: Calendar;
  readonly accounts: AccountCache;
  readonly newId: (createdAt: Date) => string;
  /** Without it a transaction whose quarter is not online is not found. */
  readonly findArchived?: FindArchived | undefined;
  /** Told of what is tried again. */
  readonly onRetry?: OnRetry | undefined;
}

export interface BatchOptions {
  /** Nothing after the first refusal is decided or written: it is the last outcome. */
  readonly stopAtRefusal?: boolean | undefined;
  /** One refusal refuses all the others too. */
  readonly atomic?: boolean | undefined;
  /** Nothing is locked or written: what would become of it. */
  readonly dryRun?: boolean | undefined;
  /** The caller's last statements, in the same transaction, and again when that is tried again. What it throws takes all back. */
  readonly within?: ((trx: Trx, outcomes: readonly Outcome[]) => Promise<void>) | undefined;
  /** `within` refuses to commit the same batch twice, so a batch whose fate is unknown may be sent again. */
  readonly guarded?: boolean | undefined;
  /** What was read for it beforehand; read anew when the batch is tried again. */
  readonly ready?: Ready | undefined;
  readonly attempts?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a batch needs to know before anything is locked. */
export interface Ready {
  readonly prepared: Prepared;
  readonly closed: readonly ClosedRange[];
  readonly known: readonly KnownAccount[];
}

/** Reads what a batch needs to know before anything is locked. */
export async function makeReady(
  { db, accounts, findArchived }: Pick<BatchHouse, 'db' | 'accounts' | 'findArchived'>,
  ledgerId: number,
  requests: readonly PostRequest[],
): Promise<Ready> {
  const prepared = await prepare(db, findArchived, ledgerId, requests);
  const closed = await closedWithin(db, requests);
  return { prepared, closed, known: await resolveAccounts(db, accounts, ledgerId, prepared.names) };
}

/** How long short statements are tried again: about a second. */
export const patience = { attempts: 6, baseMs: 25, capMs: 2000 };

/** How often a batch is decided anew because a quarter it writes to was closed meanwhile. */
const CLOSED_TWICE = 2;

/**
 * Writes a batch of one ledger in one short transaction: lock → decide → write. What may pass by itself is tried again;
 * a connection that is lost while it commits only when the batch cannot count twice.
 *
 * Everybody takes the locks in one order: reservations, balances, keys; within each by id.
 *
 * @throws KeyTaken when somebody took an idempotency key meanwhile; nothing was written
 * @throws AppError unavailable/outcome_unknown, refused/quarter_closed, unavailable/no_partition
 */
export async function writeBatch(
  house: BatchHouse,
  ledgerId: number,
  requests: readonly PostRequest[],
  options: BatchOptions = {},
): Promise<readonly Judged[]> {
  const repeatable = options.guarded || requests.every((request) => request.idempotency);
  let { ready } = options;
  let closedMeanwhile = 0;

  async function attempt(): Promise<readonly Judged[]> {
    const { prepared, closed, known } = ready ?? (await makeReady(house, ledgerId, requests));
    ready = undefined;
    const decide = async (db: Db, how: 'lock' | 'read'): Promise<Judging> => {
      const [reservations, standing, originals] = await Promise.all([
        readStates(db, ledgerId, [...prepared.reservations.keys()], how),
        readStanding(db, ledgerId, known, how),
        readOriginals(db, ledgerId, prepared.originals),
      ]);
      const state = { ...standing, closed, reservations, originals };
      return judge(requests, prepared, state, house.newId, options);
    };
    if (options.dryRun) return [...(await decide(house.db, 'read')).pieces()].flat();
    return transact(house.db, {
      read: (trx) => decide(trx, 'lock'),
      write: async (trx, judging, send) => {
        const judged: Judged[] = [];
        for (const piece of judging.pieces()) {
          sendRows(trx, ledgerId, piece, send);
          judged.push(...piece);
        }
        await writeSums(trx, house.calendar, ledgerId, judged, judging.changes(), send);
        await options.within?.(
          trx,
          judged.map(({ outcome }) => outcome),
        );
        return judged;
      },
    });
  }

  function mayPass(error: unknown): boolean {
    if (isAppError(toAppError(error), 'quarter_closed')) {
      // Only a batch with times of its own looks up what is closed, and then finds it.
      return requests.some(timeOf) && ++closedMeanwhile <= CLOSED_TWICE;
    }
    return error instanceof OutcomeUnknown ? repeatable : isTransient(error);
  }

  try {
    return await retry(attempt, {
      ...patience,
      attempts: options.attempts ?? patience.attempts,
      retryable: mayPass,
      onRetry: house.onRetry,
      signal: options.signal,
    });
  } catch (error) {
    if (error instanceof OutcomeUnknown) {
      if (repeatable) throw toAppError(error.cause);
      const detail =
        'The connection was lost while the transaction committed, so it may or may not be booked. Look for it before sending it again; with an idempotency key it could simply be sent again.';
      throw new AppError('unavailable', 'outcome_unknown', detail, { cause: error });
    }
    // What the caller or our own code threw is not a failure of the database.
    if (sqlState(error) === undefined && !isConnectionLoss(error)) throw error;
    throw toAppError(error);
  }
}

/** Quarters are looked up for requests that bring a time of their own; now is never closed. */
async function closedWithin(db: Db, requests: readonly PostRequest[]): Promise<ClosedRange[]> {
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const request of requests) {
    const time = timeOf(request)?.getTime();
    if (time === undefined) continue;
    first = Math.min(first, time);
    last = Math.max(last, time);
  }
  return first > last ? [] : closedRanges(db, new Date(first), new Date(last));
}

function timeOf(request: PostRequest): Date | undefined {
  return 'postings' in request ? request.createdAt : undefined;
}
