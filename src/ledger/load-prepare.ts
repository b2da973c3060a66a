import { parseAddress } from '../core/account.ts';
import type { Calendar, Quarter } from '../core/quarter.ts';
import type { Db } from '../db/schema.ts';
import { createAccounts, type NewAccount } from './account-create.ts';
import { type AccountCache, type AccountName, keyOf, resolveAccounts } from './accounts.ts';
import { closedRanges } from './closed.ts';
import type { LoadRow } from './load-batches.ts';
import type { TransactionRequest } from './request.ts';

/** Which of the accounts a load creates may go below zero: those of these groups, or all. */
export interface CreateAccounts {
  readonly allowNegative: '*' | readonly string[];
}

/** Creates the accounts that the requests name and that do not exist. Returns how many. */
export async function createMissingAccounts(
  db: Db,
  cache: AccountCache,
  ledgerId: number,
  requests: readonly TransactionRequest[],
  { allowNegative }: CreateAccounts,
): Promise<number> {
  const named = new Map<string, NewAccount>();
  for (const { postings } of requests) {
    for (const { from, to, currency } of postings) {
      for (const address of [from, to]) {
        if (cache.get(ledgerId, address)?.has(currency)) continue;
        const group = parseAddress(address)?.groupType ?? '';
        const unlimited = allowNegative === '*' || allowNegative.includes(group);
        named.set(keyOf({ address, currency }), { address, currency, minBalance: unlimited ? null : 0n });
      }
    }
  }
  if (named.size === 0) return 0;
  const wanted = [...named.values()];
  const found = await resolveAccounts(db, cache, ledgerId, wanted);
  return createAccounts(
    db,
    ledgerId,
    wanted.filter(({ address, currency }) => !found.get(address)?.has(currency)),
    cache,
  );
}

/**
 * Looks up the accounts of each batch that the cache does not know. A stage of its own, so that it is done while the batch
 * before it is written. What is not found is for the writer to create or to refuse.
 */
export async function* withAccounts(
  batches: AsyncIterable<LoadRow[]>,
  isKnown: (address: string, currency: string) => boolean,
  lookUp: (names: readonly AccountName[]) => Promise<unknown>,
): AsyncGenerator<LoadRow[]> {
  for await (const rows of batches) {
    const unknown: AccountName[] = [];
    for (const { request } of rows) {
      for (const { from, to, currency } of request?.postings ?? []) {
        if (!isKnown(from, currency)) unknown.push({ address: from, currency });
        if (!isKnown(to, currency)) unknown.push({ address: to, currency });
      }
    }
    if (unknown.length > 0) await lookUp(unknown);
    yield rows;
  }
}

/**
 * Asks for the quarters of the requests, each once in the life of the returned function. Closed ones are left alone: their rows
 * are refused one by one, and a quarter whose tables are gone must not be made anew.
 */
export function quarterPreparer(
  db: Db,
  calendar: Calendar,
  ensureQuarters: (from: Date, to: Date) => Promise<void>,
): (requests: readonly TransactionRequest[]) => Promise<void> {
  const known = new Set<string>();
  return async (requests) => {
    const fresh = new Map<string, Quarter>();
    for (const { createdAt } of requests) {
      if (!createdAt) continue;
      const quarter = calendar.quarterOf(createdAt);
      if (!known.has(quarter.name)) fresh.set(quarter.name, quarter);
    }
    const [first, ...rest] = [...fresh.values()].sort((a, b) => a.start.getTime() - b.start.getTime());
    if (!first) return;
    const closed = await closedRanges(db, first.start, rest.at(-1)?.start ?? first.start);
    for (const quarter of [first, ...rest]) {
      if (closed.some(({ start }) => start.getTime() === quarter.start.getTime())) continue;
      await ensureQuarters(quarter.start, quarter.start);
      known.add(quarter.name);
    }
  };
}
