import type { Outcome } from '../core/decide.ts';
import { AppError, assert } from '../core/errors.ts';
import { createIds } from '../core/id.ts';
import type { Calendar } from '../core/quarter.ts';
import { refusalError } from '../core/refusal.ts';
import type { Db, Trx } from '../db/schema.ts';
import { isTransient } from '../db/sqlstate.ts';
import { type OnRetry, retry } from '../platform/retry.ts';
import type { AccountCache } from './accounts.ts';
import { type BatchHouse, patience, writeBatch } from './batch.ts';
import { viewOf } from './booking.ts';
import { findKeys, KeyTaken, type KnownKey } from './idempotency.ts';
import { type Judged, refusedWithOthers } from './judge.ts';
import type { FindArchived } from './prepare.ts';
import type { PostRequest } from './request.ts';
import { readReservations } from './reservations.ts';
import type { TransactionView } from './transaction-view.ts';
import { readTransactions } from './transactions.ts';

/** What became of a request. `replayed`: it was done before under its idempotency key, and this is the first answer. */
export type PostResult =
  /** Booked, recorded, reserved or, of a reservation, freed. */
  | { readonly kind: 'created'; readonly transaction: TransactionView }
  | { readonly kind: 'replayed'; readonly transaction: TransactionView }
  | { readonly kind: 'refused'; readonly error: AppError };

export interface PostOptions {
  /** All of them stand or none. */
  readonly atomic?: boolean | undefined;
  /** Only says what would become of them now. */
  readonly dryRun?: boolean | undefined;
  /** The caller's last statements in the transaction; told the outcomes of the requests that were not replayed. */
  readonly within?: ((trx: Trx, outcomes: readonly Outcome[]) => Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Poster {
  /**
   * Posts a batch of one ledger in one transaction and says what became of each request, in their order. A refused request
   * does not keep the others from being booked, unless the batch is atomic.
   *
   * @throws AppError unavailable/outcome_unknown, unavailable/database_unavailable, refused/quarter_closed,
   *   unavailable/no_partition: then nothing is booked that has no idempotency key, or it says that it cannot know
   */
  post(ledgerId: number, requests: readonly PostRequest[], options?: PostOptions): Promise<PostResult[]>;
}

export interface PosterParts {
  readonly db: Db;
  readonly calendar: Calendar;
  readonly accounts: AccountCache;
  readonly findArchived?: FindArchived | undefined;
  readonly onRetry?: OnRetry | undefined;
}

/** How often keys are looked up again because somebody took one meanwhile. Each time there is one fewer to take. */
const LOOKUPS = 100;

export function createPoster(parts: PosterParts): Poster {
  const house: BatchHouse = { ...parts, newId: createIds() };
  return {
    post: async (ledgerId, requests, options = {}) => {
      for (let lookup = 1; ; lookup++) {
        try {
          return await postOnce(house, ledgerId, requests, options);
        } catch (error) {
          if (!(error instanceof KeyTaken)) throw error;
          if (lookup < LOOKUPS) continue;
          const detail = 'Others keep sending requests under the same idempotency keys. Try again later.';
          throw new AppError('busy', 'idempotency_key_busy', detail, { cause: error });
        }
      }
    },
  };
}

async function postOnce(
  house: BatchHouse,
  ledgerId: number,
  requests: readonly PostRequest[],
  options: PostOptions,
): Promise<PostResult[]> {
  const { onRetry } = house;
  const read = <T>(action: () => Promise<T>) =>
    retry(action, { ...patience, retryable: isTransient, onRetry, signal: options.signal });
  const keys = new Set(requests.flatMap(({ idempotency }) => idempotency?.key ?? []));
  const known = await read(() => findKeys(house.db, ledgerId, [...keys]));
  const replays = await read(() => readReplays(house.db, ledgerId, known));
  const results = new Array<PostResult | undefined>(requests.length);
  /** Where in the batch a key is met first: what follows under it gets that one's answer. */
  const firstOf = new Map<string, number>();
  const fresh: number[] = [];
  for (const [index, request] of requests.entries()) {
    if (!request.idempotency) {
      fresh.push(index);
      continue;
    }
    const { key, fingerprint } = request.idempotency;
    const earlier = known.get(key);
    const first = firstOf.get(key);
    const original = earlier?.fingerprint ?? requests[first ?? index]?.idempotency?.fingerprint;
    if (!original?.equals(fingerprint)) results[index] = { kind: 'refused', error: keyReused(key) };
    else if (earlier) results[index] = replay(key, earlier, request, replays);
    else if (first === undefined) {
      firstOf.set(key, index);
      fresh.push(index);
    }
  }
  const failed = options.atomic && results.some((result) => result?.kind === 'refused');
  if (failed) {
    const error = refusalError(refusedWithOthers);
    for (const index of fresh) results[index] = { kind: 'refused', error };
  } else if (fresh.length > 0 || options.within) {
    const sent = fresh.map((index) => requests[index] as PostRequest);
    const judged = await writeBatch(house, ledgerId, sent, options);
    for (const [place, one] of judged.entries()) results[fresh[place] as number] = resultOf(one);
  }
  return requests.map(
    ({ idempotency }, index) =>
      results[index] ?? repeated(results[firstOf.get(idempotency?.key ?? '') ?? -1]),
  );
}

function resultOf({ outcome, booking, freed }: Judged): PostResult {
  if (outcome.kind === 'refused') return { kind: 'refused', error: refusalError(outcome) };
  const transaction = booking ? viewOf(booking) : freed;
  assert(transaction, 'what stands has no view');
  return { kind: 'created', transaction };
}

/** What was done under keys, by id. An id is that of a transaction or of a reservation. */
async function readReplays(
  db: Db,
  ledgerId: number,
  known: ReadonlyMap<string, KnownKey>,
): Promise<Map<string, TransactionView>> {
  const ids = [...new Set([...known.values()].map(({ transactionId }) => transactionId))];
  const found = await readTransactions(db, ledgerId, ids);
  const others = ids.filter((id) => !found.has(id));
  for (const [id, view] of await readReservations(db, ledgerId, others)) found.set(id, view);
  return found;
}

function replay(
  key: string,
  { transactionId }: KnownKey,
  request: PostRequest,
  replays: ReadonlyMap<string, TransactionView>,
): PostResult {
  const transaction = replays.get(transactionId);
  if (!transaction) {
    const detail = `The request under the key ${JSON.stringify(key)} was booked as ${transactionId}, whose quarter is archived.`;
    return { kind: 'refused', error: new AppError('conflict', 'quarter_not_online', detail) };
  }
  // The first answer again: whatever became of a reservation since, then it was pending.
  const { reservation } = transaction;
  if (reservation === null || !('postings' in request)) return { kind: 'replayed', transaction };
  const pending = { ...reservation, resolvedAt: null, transactionId: null };
  return { kind: 'replayed', transaction: { ...transaction, status: 'PENDING', reservation: pending } };
}

function repeated(first: PostResult | undefined): PostResult {
  assert(first, 'a request has no result');
  return first.kind === 'created' ? { ...first, kind: 'replayed' } : first;
}

function keyReused(key: string): AppError {
  const detail = `The key ${JSON.stringify(key)} was used for another request. Use a new key for a new request.`;
  return new AppError('invalid', 'idempotency_key_reused', detail);
}
