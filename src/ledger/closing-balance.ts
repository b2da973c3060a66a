import { parseUntil } from '../core/days.ts';
import type { Calendar } from '../core/quarter.ts';
import type { Db } from '../db/schema.ts';
import { accountOf } from './account-of.ts';
import { readBalanceBefore, readBalanceNow } from './balance.ts';
import { query } from './query.ts';

export interface ClosingBalanceQuery {
  /** An account's id or its address, as user-123:WALLET. */
  readonly account: string;
  /** Needed where the address has several. */
  readonly currency?: string | undefined;
  /** A day of the ledger's zone, as 2024-03-31. */
  readonly day: string;
}

export interface ClosingBalance {
  readonly accountId: bigint;
  readonly account: string;
  readonly currency: string;
  readonly day: string;
  /** What the account had at the end of the day, in minor units. Of today, and of days to come, it is what it has now. */
  readonly posted: bigint;
}

const closingBalance = query<{ readonly stored: bigint | null; readonly marked: boolean }>('closing_balance');

/**
 * The balance at the end of a day, from what is stored of days, archived ones included: it costs the same whatever the account did
 * before and since. Only where that may be behind are the entries asked too.
 *
 * @throws AppError not_found/account_not_found, invalid/currency_required, invalid/invalid_day
 */
export async function readClosingBalance(
  house: { readonly db: Db; readonly calendar: Calendar },
  ledgerId: number,
  { account: wanted, currency: inCurrency, day }: ClosingBalanceQuery,
): Promise<ClosingBalance> {
  const { db, calendar } = house;
  calendar.startOfDay(day);
  const found = await accountOf(db, ledgerId, wanted, inCurrency);
  const { id: accountId, account, currency } = found;
  const [row] = await closingBalance(db, [ledgerId, accountId, day]);
  const of = { accountId, account, currency, day };
  if (!row?.marked) return { ...of, posted: row?.stored ?? 0n };
  const end = parseUntil(calendar, day);
  // The last day there is has no end.
  if (end === undefined) return { ...of, posted: (await readBalanceNow(db, ledgerId, found)).posted };
  return { ...of, posted: await readBalanceBefore(house, ledgerId, found, end) };
}
