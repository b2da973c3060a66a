import type { AccountState } from '../core/posting.ts';
import type { Db } from '../db/schema.ts';
import { type AccountIds, type AccountName, accountsNamed } from './accounts.ts';
import { plainArray } from './arrays.ts';
import { query } from './query.ts';

interface BalanceRow {
  readonly account_id: bigint;
  readonly status: AccountState['status'];
  readonly posted: bigint;
  readonly pending_out: bigint;
  readonly pending_in: bigint;
  readonly min_balance: bigint | null;
  readonly version: bigint;
  readonly last_entry_ms: number | null;
  readonly now_ms: number;
}

/** How the accounts of a batch stand, and what time it is in the database. */
export interface Standing {
  readonly now: Date;
  readonly accounts: ReadonlyMap<string, readonly AccountState[]>;
}

const lockBalances = query<BalanceRow>('lock_balances');
const readBalances = query<BalanceRow>('read_balances');

/**
 * The accounts that go by these names; locked until the transaction ends, or only read. What an account is called comes
 * from the cache, for it never changes; everything else is read here.
 */
export async function readStanding(
  db: Db,
  ledgerId: number,
  resolved: ReadonlyMap<string, AccountIds>,
  names: readonly AccountName[],
  how: 'lock' | 'read',
): Promise<Standing> {
  const wanted = accountsNamed(resolved, names);
  const accounts = new Map<string, AccountState[]>();
  if (wanted.size === 0) return { now: new Date(0), accounts };
  const rows = await (how === 'lock' ? lockBalances : readBalances)(db, [ledgerId, plainArray([...wanted])]);
  const byId = new Map(rows.map((row) => [row.account_id, row]));
  let now = 0;
  for (const { now_ms } of rows) now = Math.max(now, now_ms);
  for (const { address } of names) {
    if (accounts.has(address)) continue;
    const some: AccountState[] = [];
    for (const [currency, id] of resolved.get(address) ?? []) {
      const row = byId.get(id);
      if (row) some.push(stateOf(row, address, currency));
    }
    accounts.set(address, some);
  }
  return { now: new Date(now), accounts };
}

function stateOf(row: BalanceRow, address: string, currency: string): AccountState {
  return {
    id: row.account_id,
    address,
    currency,
    status: row.status,
    posted: row.posted,
    pendingOut: row.pending_out,
    pendingIn: row.pending_in,
    minBalance: row.min_balance,
    version: row.version,
    lastEntryAt: row.last_entry_ms === null ? null : new Date(row.last_entry_ms),
  };
}
