import { type Address, formatAddress, parseAddress } from '../core/account.ts';
import { stopwatch } from '../core/clock.ts';
import { assert } from '../core/errors.ts';
import type { Db } from '../db/schema.ts';
import { textArray } from './arrays.ts';
import { query } from './query.ts';

/** An account as a posting names it. */
export interface AccountName {
  readonly address: string;
  readonly currency: string;
}

/** Which accounts an address has, one for each currency. */
export type AccountIds = ReadonlyMap<string, bigint>;

/** What addresses were found to be. An account never changes its name, so what is remembered stays true. */
export interface AccountCache {
  get(ledgerId: number, address: string): AccountIds | undefined;
  set(ledgerId: number, address: string, ids: AccountIds): void;
}

const accountsByAddress = query<{ id: bigint; entity_id: string; group_type: string; currency: string }>(
  'accounts_by_address',
);

/**
 * Remembers at least the `limit` addresses used last, and at most twice as many: what is used moves to the younger of
 * two generations, and when that is full the older is forgotten. So is, from time to time, what nobody uses any more.
 */
export function createAccountCache(
  limit = 100_000,
  ttlSeconds = 3600,
  seconds: () => number = stopwatch(),
): AccountCache {
  let young: Generation = new Map();
  let old: Generation = new Map();
  let size = 0;
  let since = seconds();
  function keep(ledgerId: number, address: string, ids: AccountIds): void {
    if (size >= limit || seconds() - since >= ttlSeconds) {
      [young, old, size, since] = [new Map(), young, 0, seconds()];
    }
    const known = young.get(ledgerId) ?? new Map<string, AccountIds>();
    if (known.size === 0) young.set(ledgerId, known);
    if (!known.has(address)) size++;
    known.set(address, ids);
  }
  return {
    get: (ledgerId, address) => {
      const ids = young.get(ledgerId)?.get(address);
      if (ids) return ids;
      const older = old.get(ledgerId)?.get(address);
      if (older) keep(ledgerId, address, older);
      return older;
    },
    set: keep,
  };
}

/** By ledger, and then by address as it stands: a key made of both would have to be put together for every look. */
type Generation = Map<number, Map<string, AccountIds>>;

/**
 * The accounts that go by these names, by address; addresses without any are missing. The database is asked only for
 * what the cache does not know, and then for the address in every currency: that tells a wrong currency from an
 * unknown account.
 */
export async function resolveAccounts(
  db: Db,
  cache: AccountCache,
  ledgerId: number,
  names: Iterable<AccountName>,
): Promise<ReadonlyMap<string, AccountIds>> {
  const resolved = new Map<string, AccountIds>();
  const missing = new Map<string, Address>();
  for (const { address, currency } of names) {
    if (resolved.get(address)?.has(currency) || missing.has(address)) continue;
    const ids = cache.get(ledgerId, address);
    if (ids?.has(currency)) {
      resolved.set(address, ids);
      continue;
    }
    const parsed = parseAddress(address);
    if (parsed) missing.set(address, parsed);
  }
  if (missing.size === 0) return resolved;

  const wanted = [...missing.values()];
  const rows = await accountsByAddress(db, [
    ledgerId,
    textArray(wanted.map(({ entityId }) => entityId)),
    textArray(wanted.map(({ groupType }) => groupType)),
  ]);
  const found = new Map<string, Map<string, bigint>>();
  for (const row of rows) {
    const address = formatAddress({ entityId: row.entity_id, groupType: row.group_type });
    const ids = found.get(address);
    if (ids) ids.set(row.currency, row.id);
    else found.set(address, new Map([[row.currency, row.id]]));
  }
  for (const [address, ids] of found) {
    cache.set(ledgerId, address, ids);
    resolved.set(address, ids);
  }
  return resolved;
}

/**
 * The accounts a batch has to know: those it names, and where one is not there in its currency, those of its address
 * in others, so that the refusal can say so.
 */
export function accountsNamed(
  resolved: ReadonlyMap<string, AccountIds>,
  names: Iterable<AccountName>,
): Set<bigint> {
  const wanted = new Set<bigint>();
  for (const { address, currency } of names) {
    const ids = resolved.get(address);
    const id = ids?.get(currency);
    if (id !== undefined) wanted.add(id);
    else for (const other of ids?.values() ?? []) wanted.add(other);
  }
  return wanted;
}

/**
 * Also the order in which accounts are created, by everybody: two that insert the same names in different orders would
 * wait for each other. A currency has no blank, so no two accounts share a key.
 */
export function keyOf({ address, currency }: AccountName): string {
  return `${address} ${currency}`;
}

export function addressOf(text: string): Address {
  const address = parseAddress(text);
  assert(address, `${JSON.stringify(text)} is not an account address`);
  return address;
}
