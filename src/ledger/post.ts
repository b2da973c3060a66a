import { AppError, assert } from '../core/errors.ts';
import { createIds } from '../core/id.ts';
import type { Accepted, Outcome } from '../core/posting.ts';
import type { Calendar } from '../core/quarter.ts';
import { refusalError } from '../core/refusal.ts';
import type { Db, Trx } from '../db/schema.ts';
import { isTransient } from '../db/sqlstate.ts';
import { retry } from '../platform/retry.ts';
import type { AccountCache } from './accounts.ts';
import { type BatchHouse, patience, writeBatch } from './batch.ts';
import { findKeys, KeyTaken, type KnownKey } from './idempotency.ts';
import type { PostRequest } from './request.ts';
import { type EntryView, readTransaction, type TransactionView } from './transactions.ts';

/** What became of a request. `replayed`: it was done before under its idempotency key, and this is the first answer. */
export type PostResult =
  | { readonly kind: 'created'; readonly transaction: TransactionView }
  | { readonly kind: 'replayed'; readonly transaction: TransactionView }
  | { readonly kind: 'refused'; readonly error: AppError };

export interface PostOptions {
  /** The caller's last statements in the transaction; told the outcomes of the requests that were not replayed. */
  readonly within?: (trx: Trx, outcomes: readonly Outcome[]) => Promise<void>;
  readonly signal?: AbortSignal;
}

export interface Poster {
  /**
   * Posts a batch of one ledger in one transaction and says what became of each request, in their order. A refused request
   * does not keep the others from being booked.
   *
   * @throws AppError unavailable/outcome_unknown, unavailable/database_unavailable, refused/quarter_closed,
   *   unavailable/no_partition: then nothing is booked that has no idempotency key, or it says that it cannot know
   */
  post(ledgerId: number, requests: readonly PostRequest[], options?: PostOptions): Promise<PostResult[]>;
}

/** How often keys are looked up again because somebody took one meanwhile. Each time there is one fewer to take. */
const LOOKUPS = 100;

export function createPoster(parts: { db: Db; calendar: Calendar; accounts: AccountCache }): Poster {
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
  const read = <T>(action: () => Promise<T>) =>
    retry(action, { ...patience, retryable: isTransient, signal: options.signal });
  const known = await read(() => knownKeys(house.db, ledgerId, requests));
  const results = new Array<PostResult | undefined>(requests.length);
  /** Where in the batch a key is met first: what follows under it gets that one's answer. */
  const firstOf = new Map<string, number>();
  const fresh: number[] = [];
  for (const [index, { idempotency }] of requests.entries()) {
    if (!idempotency) {
      fresh.push(index);
      continue;
    }
    const { key, fingerprint } = idempotency;
    const earlier = known.get(key);
    const first = firstOf.get(key);
    const original = earlier?.fingerprint ?? requests[first ?? index]?.idempotency?.fingerprint;
    if (!original?.equals(fingerprint)) results[index] = { kind: 'refused', error: keyReused(key) };
    else if (earlier) results[index] = await read(() => replay(house.db, ledgerId, key, earlier));
    else if (first === undefined) {
      firstOf.set(key, index);
      fresh.push(index);
    }
  }
  if (fresh.length > 0 || options.within) {
    const sent = fresh.map((index) => requests[index] as PostRequest);
    const written = await writeBatch(house, ledgerId, sent, options);
    for (const [place, { outcome, id }] of written.entries()) {
      const request = sent[place] as PostRequest;
      results[fresh[place] as number] =
        outcome.kind === 'refused'
          ? { kind: 'refused', error: refusalError(outcome) }
          : { kind: 'created', transaction: viewOf(id as string, request, outcome) };
    }
  }
  return requests.map(
    ({ idempotency }, index) =>
      results[index] ?? repeated(results[firstOf.get(idempotency?.key ?? '') ?? -1]),
  );
}

async function knownKeys(
  db: Db,
  ledgerId: number,
  requests: readonly PostRequest[],
): Promise<ReadonlyMap<string, KnownKey>> {
  const keys = new Set<string>();
  for (const { idempotency } of requests) if (idempotency) keys.add(idempotency.key);
  return keys.size === 0 ? new Map() : findKeys(db, ledgerId, [...keys]);
}

async function replay(db: Db, ledgerId: number, key: string, known: KnownKey): Promise<PostResult> {
  const transaction = await readTransaction(db, ledgerId, known.transactionId);
  if (transaction) return { kind: 'replayed', transaction };
  const detail = `The request under the key ${JSON.stringify(key)} was booked as ${known.transactionId}, whose quarter is archived.`;
  return { kind: 'refused', error: new AppError('conflict', 'quarter_not_online', detail) };
}

function repeated(first: PostResult | undefined): PostResult {
  assert(first, 'a request has no result');
  return first.kind === 'created' ? { ...first, kind: 'replayed' } : first;
}

function keyReused(key: string): AppError {
  const detail = `The key ${JSON.stringify(key)} was used for another request. Use a new key for a new request.`;
  return new AppError('invalid', 'idempotency_key_reused', detail);
}

/** The view of what was just booked, as `readTransaction` will give it. */
function viewOf(id: string, request: PostRequest, accepted: Accepted): TransactionView {
  const place = new Map(accepted.accountIds.map((accountId, index) => [accountId, index]));
  const placed = accepted.entries.map((entry, index): { place: number; view: EntryView } => {
    const posting = request.postings[index >> 1];
    assert(posting, 'an entry without a posting');
    const account = index % 2 === 0 ? posting.from : posting.to;
    const { amount, balanceAfter, version } = entry;
    return {
      place: place.get(entry.accountId) ?? 0,
      view: { account, currency: posting.currency, amount, balanceAfter, version },
    };
  });
  return {
    id,
    createdAt: accepted.createdAt,
    userId: request.userId ?? '',
    status: request.status ?? 'SUCCESS',
    currency: accepted.currency,
    amount: accepted.amount,
    referenceCode: request.referenceCode ?? null,
    description: request.description ?? null,
    effectiveAt: request.effectiveAt ?? null,
    metadata: request.metadata ?? null,
    // The sort is stable: within an account the order is that of the versions already.
    entries: placed.sort((a, b) => a.place - b.place).map(({ view }) => view),
  };
}
