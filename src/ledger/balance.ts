import { dayAfter } from '../core/days.ts';
import { AppError, assert } from '../core/errors.ts';
import { MAX_AMOUNT } from '../core/money.ts';
import type { Calendar } from '../core/quarter.ts';
import type { Db } from '../db/schema.ts';
import type { AccountView } from './account-list.ts';
import { accountOf } from './account-of.ts';
import { query } from './query.ts';

export interface BalanceQuery {
  /** An account's id or its address, as user-123:WALLET. */
  readonly account: string;
  /** Needed where the address has several. */
  readonly currency?: string | undefined;
  /** The balance as it was at this instant, entries at the instant itself included; now when left out. */
  readonly at?: Date | undefined;
}

/** Minor units. What is held by reservations is known for now only. */
export interface BalanceView {
  readonly accountId: bigint;
  readonly account: string;
  readonly currency: string;
  readonly posted: bigint;
  /** undefined unless it is the balance of now; so are the others. */
  readonly pendingOut?: bigint | undefined;
  readonly pendingIn?: bigint | undefined;
  /** What may leave the account: posted less pendingOut, less what it must keep; null where there is no limit. */
  readonly available?: bigint | null | undefined;
  readonly minBalance?: bigint | null | undefined;
  readonly version?: bigint | undefined;
  readonly at: Date;
}

interface NowRow {
  readonly posted: bigint;
  readonly pending_out: bigint;
  readonly pending_in: bigint;
  readonly min_balance: bigint | null;
  readonly version: bigint;
  readonly at: Date;
}

interface BeforeRow {
  readonly online: bigint | null;
  /** Set where a quarter that is not online has moved the account since. */
  readonly archived_day: string | null;
  readonly archived: bigint | null;
  readonly quarter: string | null;
}

const balanceNow = query<NowRow>('balance_now');
const balanceBefore = query<BeforeRow>('balance_before');

/**
 * @throws AppError not_found/account_not_found, invalid/currency_required, invalid/instant_out_of_range,
 *   conflict/quarter_not_online where the quarter is archived and the account moved on that very day, so that only the
 *   balances at the ends of days are known
 */
export async function readBalance(
  house: { readonly db: Db; readonly calendar: Calendar },
  ledgerId: number,
  { account: wanted, currency: inCurrency, at }: BalanceQuery,
): Promise<BalanceView> {
  if (at) house.calendar.dayOf(at);
  const found = await accountOf(house.db, ledgerId, wanted, inCurrency);
  const { id: accountId, account, currency } = found;
  if (at) {
    const posted = await readBalanceBefore(house, ledgerId, found, new Date(at.getTime() + 1));
    return { accountId, account, currency, posted, at };
  }
  const now = await readBalanceNow(house.db, ledgerId, found);
  return {
    accountId,
    account,
    currency,
    posted: now.posted,
    pendingOut: now.pending_out,
    pendingIn: now.pending_in,
    available: now.min_balance === null ? null : now.posted - now.pending_out - now.min_balance,
    minBalance: now.min_balance,
    version: now.version,
    at: now.at,
  };
}

/** The account's balance row, and the time it was read. */
export async function readBalanceNow(db: Db, ledgerId: number, account: AccountView): Promise<NowRow> {
  const [row] = await balanceNow(db, [ledgerId, account.id]);
  assert(row, `the account ${account.id} was made without a balance`);
  return row;
}

/**
 * The balance that entries before the instant left, those up to a version. Where the last of them are archived it is that of
 * the end of the last day on which the account moved, which is right unless the instant is within that very day.
 *
 * @throws AppError conflict/quarter_not_online
 */
export async function readBalanceBefore(
  { db, calendar }: { readonly db: Db; readonly calendar: Calendar },
  ledgerId: number,
  account: AccountView,
  before: Date,
  version = MAX_AMOUNT,
): Promise<bigint> {
  const day = calendar.dayOf(new Date(before.getTime() - 1));
  const [row] = await balanceBefore(db, [ledgerId, account.id, before.toISOString(), version, day]);
  if (!row || row.archived === null) return row?.online ?? 0n;
  if (row.archived_day === day) {
    const end = calendar.startOfDay(dayAfter(day));
    if (before < end) throw notOnline(row.quarter, account, day, calendar.startOfDay(day), end);
  }
  return row.archived;
}

function notOnline(
  quarter: string | null,
  { account, currency }: AccountView,
  day: string,
  start: Date,
  end: Date,
): AppError {
  const [first, last] = [start, end].map((instant) => new Date(instant.getTime() - 1).toISOString());
  const detail = `${account} moved ${currency} on ${day}, and ${quarter} is archived: of that day only the ends are known. Ask for the balance at ${first} or at ${last}, begin and end a statement with the day (${start.toISOString()}, ${end.toISOString()}), or restore the quarter.`;
  return new AppError('conflict', 'quarter_not_online', detail);
}
