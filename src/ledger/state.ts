import type { AccountState } from '../core/posting.ts';
import type { Db } from '../db/schema.ts';
import type { KnownAccount } from './accounts.ts';
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
  /** Whole, but for what a double cannot hold. */
  readonly last_entry_ms: number | null;
  /** With a fraction. */
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
 * How these accounts stand; locked until the transaction ends, or only read. What an account is called is known, for it never
 * changes; everything else is read here.
 *
 * @param known in the order of their ids
 */
export async function readStanding(
  db: Db,
  ledgerId: number,
  known: readonly KnownAccount[],
  how: 'lock' | 'read',
): Promise<Standing> {
  const accounts = new Map<string, AccountState[]>();
  if (known.length === 0) return { now: new Date(0), accounts };
  const ids = plainArray(known.map(({ id }) => id));
  const rows = await (how === 'lock' ? lockBalances : readBalances)(db, [ledgerId, ids]);
  let now = 0;
  // Rows come in the same order, so each is met as the list is gone through.
  let next = 0;
  for (const row of rows) {
    now = Math.max(now, row.now_ms);
    while (known[next]?.id !== row.account_id) next++;
    const state = stateOf(row, known[next] as KnownAccount);
    const others = accounts.get(state.address);
    if (others) others.push(state);
    else accounts.set(state.address, [state]);
  }
  return { now: new Date(Math.floor(now)), accounts };
}

function stateOf(row: BalanceRow, { address, currency }: KnownAccount): AccountState {
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
    lastEntryAt: row.last_entry_ms === null ? null : new Date(Math.round(row.last_entry_ms)),
  };
}
