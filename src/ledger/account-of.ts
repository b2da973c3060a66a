import { parseAddress } from '../core/account.ts';
import { AppError } from '../core/errors.ts';
import type { Db } from '../db/schema.ts';
import { type AccountView, searchAccounts } from './account-list.ts';

/**
 * The accounts that an id or an address names: an address has one in each currency, of which `currency` picks one. In the
 * order of their currencies.
 *
 * @throws AppError not_found/account_not_found
 */
export async function accountsOf(
  db: Db,
  ledgerId: number,
  account: string,
  currency?: string,
): Promise<readonly [AccountView, ...AccountView[]]> {
  const named = await search(db, ledgerId, account);
  const [first, ...others] =
    currency === undefined ? named : named.filter((one) => one.currency === currency);
  if (first) return [first, ...others];
  const known = named.map((one) => one.currency);
  const detail = `There is no account ${account}${currency === undefined ? '' : ` in ${currency}`}${
    known.length === 0 ? '' : `, but in ${known.join(', ')}`
  }.`;
  throw new AppError('not_found', 'account_not_found', detail);
}

/** The same where it must be one. @throws AppError not_found/account_not_found, invalid/currency_required */
export async function accountOf(
  db: Db,
  ledgerId: number,
  account: string,
  currency?: string,
): Promise<AccountView> {
  const [only, ...others] = await accountsOf(db, ledgerId, account, currency);
  if (others.length === 0) return only;
  const currencies = [only, ...others].map((one) => one.currency).join(', ');
  const detail = `${account} has an account in each of ${currencies}. Say which with currency.`;
  throw new AppError('invalid', 'currency_required', detail);
}

async function search(db: Db, ledgerId: number, account: string): Promise<readonly AccountView[]> {
  // An address has a colon, so it is never taken for an id.
  if (/^\d{1,19}$/.test(account)) return searchAccounts(db, ledgerId, { ids: [BigInt(account)] });
  const address = parseAddress(account);
  if (!address) return [];
  return searchAccounts(db, ledgerId, { entityId: address.entityId, groupTypes: [address.groupType] });
}
