import { parseAddress } from '../core/account.ts';
import type { Calendar, Quarter } from '../core/quarter.ts';
import type { Db } from '../db/schema.ts';
import { createAccounts, type NewAccount } from './account-create.ts';
import { type AccountCache, keyOf, namesIn, resolveAccounts } from './accounts.ts';
import type { Ready } from './batch.ts';
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
  const unknown = unknownIn(cache, ledgerId, requests);
  if (unknown.size === 0) return 0;
  const found = new Set((await resolveAccounts(db, cache, ledgerId, unknown)).map(keyOf));
  const wanted: NewAccount[] = [];
  for (const [currency, addresses] of unknown) {
    for (const address of addresses) {
      if (found.has(keyOf({ address, currency }))) continue;
      const group = parseAddress(address)?.groupType ?? '';
      const unlimited = allowNegative === '*' || allowNegative.includes(group);
      wanted.push({ address, currency, minBalance: unlimited ? null : 0n });
    }
  }
  return createAccounts(db, ledgerId, wanted, cache);
}

/** Records that are written together. */
export interface LoadBatch {
  readonly rows: readonly LoadRow[];
  /** Of the rows that have no fault, in their order. */
  readonly requests: readonly TransactionRequest[];
  /** What was read for them beforehand, where that holds. */
  readonly ready: Ready | undefined;
}

/**
 * Reads beforehand what each batch needs to know: a stage of its own, so that it is done while the batch before it is
 * written. With `stopAtFault` a batch ends with the first row that has a fault.
 */
export async function* withReady(
  batches: AsyncIterable<LoadRow[]>,
  stopAtFault: boolean,
  makeReady: (requests: readonly TransactionRequest[]) => Promise<Ready | undefined>,
): AsyncGenerator<LoadBatch> {
  for await (const batch of batches) {
    const end = stopAtFault ? batch.findIndex(({ fault }) => fault) : -1;
    const rows = end < 0 ? batch : batch.slice(0, end + 1);
    const requests = rows.flatMap(({ request }) => request ?? []);
    yield { rows, requests, ready: await makeReady(requests) };
  }
}

/** True when every account that is named was found. */
export function isComplete({ prepared: { names }, known }: Ready): boolean {
  const found = known.filter(({ address, currency }) => names.get(currency)?.has(address)).length;
  return found === [...names.values()].reduce((sum, addresses) => sum + addresses.size, 0);
}

/** The accounts the requests name and the cache does not know, as far as it remembers. */
function unknownIn(
  cache: AccountCache,
  ledgerId: number,
  requests: readonly TransactionRequest[],
): Map<string, Set<string>> {
  const unknown = new Map<string, Set<string>>();
  for (const [currency, addresses] of namesIn(requests.flatMap(({ postings }) => postings))) {
    const missing = [...addresses].filter((address) => !cache.get(ledgerId, address)?.has(currency));
    if (missing.length > 0) unknown.set(currency, new Set(missing));
  }
  return unknown;
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
