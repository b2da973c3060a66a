import { type Address, formatAddress, parseAddress } from '../core/account.ts';
import { stopwatch } from '../core/clock.ts';
import { assert } from '../core/errors.ts';
import type { Posting } from '../core/posting.ts';
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

/** Which addresses are named, by the currency they are named in. */
export type NamedAddresses = ReadonlyMap<string, ReadonlySet<string>>;

/** An account by its name and its id. */
export interface KnownAccount extends AccountName {
  readonly id: bigint;
}

/** The names of the accounts that postings move. */
export function namesIn(postings: Iterable<Posting>): NamedAddresses {
  const names = new Map<string, Set<string>>();
  for (const { from, to, currency } of postings) {
    const addresses = names.get(currency);
    if (addresses) addresses.add(from).add(to);
    else names.set(currency, new Set([from, to]));
  }
  return names;
}

/**
 * The accounts that go by these names, in the order of their ids. Where an address is there but not in a currency it is named
 * in, all its accounts are among them: that tells a wrong currency from an unknown account. The database is asked only for
 * what the cache does not know.
 */
export async function resolveAccounts(
  db: Db,
  cache: AccountCache,
  ledgerId: number,
  names: NamedAddresses,
): Promise<KnownAccount[]> {
  const known: KnownAccount[] = [];
  const missing = new Map<string, Address>();
  for (const [currency, addresses] of names) {
    for (const address of addresses) {
      const id = cache.get(ledgerId, address)?.get(currency);
      if (id !== undefined) known.push({ id, address, currency });
      else if (!missing.has(address)) {
        const parsed = parseAddress(address);
        if (parsed) missing.set(address, parsed);
      }
    }
  }
  if (missing.size === 0) return known.sort(byId);
  const found = await lookUp(db, ledgerId, [...missing.values()]);
  const resolved = known.filter(({ address }) => !missing.has(address));
  for (const [address, ids] of found) {
    cache.set(ledgerId, address, ids);
    const wanted = [...names.keys()].filter((currency) => names.get(currency)?.has(address));
    const chosen = wanted.every((currency) => ids.has(currency)) ? wanted : ids.keys();
    for (const currency of chosen) resolved.push({ id: ids.get(currency) as bigint, address, currency });
  }
  return resolved.sort(byId);
}

/** What accounts these addresses have, in all currencies. */
async function lookUp(
  db: Db,
  ledgerId: number,
  addresses: readonly Address[],
): Promise<Map<string, Map<string, bigint>>> {
  const rows = await accountsByAddress(db, [
    ledgerId,
    textArray(addresses.map(({ entityId }) => entityId)),
    textArray(addresses.map(({ groupType }) => groupType)),
  ]);
  const found = new Map<string, Map<string, bigint>>();
  for (const row of rows) {
    const address = formatAddress({ entityId: row.entity_id, groupType: row.group_type });
    const ids = found.get(address);
    if (ids) ids.set(row.currency, row.id);
    else found.set(address, new Map([[row.currency, row.id]]));
  }
  return found;
}

function byId(a: KnownAccount, b: KnownAccount): number {
  return a.id < b.id ? -1 : 1;
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
