import { formatAddress } from '../core/account.ts';
import type { AccountState, LedgerState } from '../core/posting.ts';
import type { Trx } from '../db/schema.ts';
import { plainArray } from './arrays.ts';
import type { ClosedRange } from './closed.ts';
import { query } from './query.ts';

interface BalanceRow {
  readonly account_id: bigint;
  readonly entity_id: string;
  readonly group_type: string;
  readonly currency: string;
  readonly status: AccountState['status'];
  readonly posted: bigint;
  readonly pending_out: bigint;
  readonly min_balance: bigint | null;
  readonly version: bigint;
  readonly last_entry_ms: number | null;
  readonly now_ms: number;
}

const lockBalances = query<BalanceRow>('lock_balances');

/** Locks the balances of the accounts until the transaction ends and reads how they stand, and the time it is. */
export async function lockState(
  trx: Trx,
  ledgerId: number,
  accountIds: Iterable<bigint>,
  closed: readonly ClosedRange[],
): Promise<LedgerState> {
  const accounts = new Map<string, AccountState[]>();
  let now = 0;
  for (const row of await lockBalances(trx, [ledgerId, plainArray([...accountIds])])) {
    now = Math.max(now, row.now_ms);
    const address = formatAddress({ entityId: row.entity_id, groupType: row.group_type });
    const account: AccountState = {
      id: row.account_id,
      address,
      currency: row.currency,
      status: row.status,
      posted: row.posted,
      pendingOut: row.pending_out,
      minBalance: row.min_balance,
      version: row.version,
      lastEntryAt: row.last_entry_ms === null ? null : new Date(row.last_entry_ms),
    };
    const others = accounts.get(address);
    if (others) others.push(account);
    else accounts.set(address, [account]);
  }
  // Without any account there is no time either, and nothing that could need one: every request is refused.
  return { now: new Date(now), accounts, closed };
}
