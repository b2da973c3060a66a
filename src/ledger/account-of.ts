import { parseAddress } from '../core/account.ts';
import { AppError } from '../core/errors.ts';
import type { Db } from '../db/schema.ts';
import { type AccountView, searchAccounts } from './account-list.ts';
import type { AccountCache } from './accounts.ts';

type Some = readonly [AccountView, ...AccountView[]];

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
): Promise<Some> {
  return chosen(await search(db, ledgerId, account), account, currency);
}

/** The same where it must be one. @throws AppError not_found/account_not_found, invalid/currency_required */
export async function accountOf(
  db: Db,
  ledgerId: number,
  account: string,
  currency?: string,
): Promise<AccountView> {
  return only(await accountsOf(db, ledgerId, account, currency), account);
}

/** The same, and the cache learns what an address was found to be. */
export async function findAccount(
  db: Db,
  cache: AccountCache,
  ledgerId: number,
  account: string,
  currency?: string,
): Promise<AccountView> {
  const named = await search(db, ledgerId, account);
  // An id is no address, so only one of the two is learnt of.
  if (named.some((one) => one.account === account)) {
    cache.set(ledgerId, account, new Map(named.map((one) => [one.currency, one.id])));
  }
  return only(chosen(named, account, currency), account);
}

async function search(db: Db, ledgerId: number, account: string): Promise<readonly AccountView[]> {
  // An address has a colon, so it is never taken for an id.
  if (/^\d{1,19}$/.test(account)) return searchAccounts(db, ledgerId, { ids: [BigInt(account)] });
  const address = parseAddress(account);
  if (!address) return [];
  return searchAccounts(db, ledgerId, { entityId: address.entityId, groupTypes: [address.groupType] });
}

function chosen(named: readonly AccountView[], account: string, currency: string | undefined): Some {
  const [first, ...others] =
    currency === undefined ? named : named.filter((one) => one.currency === currency);
  if (first) return [first, ...others];
  const known = named.length === 0 ? '' : `, but in ${currenciesOf(named)}`;
  const where = currency === undefined ? '' : ` in ${currency}`;
  throw new AppError('not_found', 'account_not_found', `There is no account ${account}${where}${known}.`);
}

function only(some: Some, account: string): AccountView {
  if (some.length === 1) return some[0];
  const detail = `${account} has an account in each of ${currenciesOf(some)}. Say which with currency.`;
  throw new AppError('invalid', 'currency_required', detail);
}

function currenciesOf(accounts: readonly AccountView[]): string {
  return accounts.map(({ currency }) => currency).join(', ');
}
