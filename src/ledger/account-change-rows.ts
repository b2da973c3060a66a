import { sql } from 'kysely';
import type { Trx } from '../db/schema.ts';
import type { AccountChange, AccountView, Phone } from './account-list.ts';
import { addressOf } from './accounts.ts';
import { plainArray, textArray } from './arrays.ts';
import { query } from './query.ts';

/** An account as it stands while its balance is locked. */
export interface StoredAccount {
  readonly id: bigint;
  readonly name: string;
  readonly status: AccountView['status'];
  readonly minBalance: bigint | null;
  /** True when nothing is on it and nothing is pending. */
  readonly empty: boolean;
}

const lockAccountBalances = query<{
  id: bigint;
  place: number;
  status: AccountView['status'];
  min_balance: bigint | null;
  empty: boolean;
}>('lock_accounts');

/** Which of the currencies the ledger knows. */
export async function knownCurrencies(trx: Trx, codes: Iterable<string>): Promise<ReadonlySet<string>> {
  const rows = await trx
    .selectFrom('ledger.currencies')
    .select('code')
    .where(sql<boolean>`code = ANY (${textArray([...new Set(codes)])}::text[])`)
    .execute();
  return new Set(rows.map(({ code }) => code));
}

/** Locks the balances of accounts that are there, and reads how they stand; one for each, in the order given. */
export async function lockAccounts(
  trx: Trx,
  ledgerId: number,
  accounts: readonly AccountChange[],
): Promise<(StoredAccount | undefined)[]> {
  const addresses = accounts.map(({ account }) => addressOf(account));
  const locked = await lockAccountBalances(trx, [
    ledgerId,
    textArray(addresses.map(({ entityId }) => entityId)),
    textArray(addresses.map(({ groupType }) => groupType)),
    textArray(accounts.map(({ currency }) => currency)),
  ]);
  // In a statement of its own: that of the lock saw accounts as they were before it waited, and only who holds the
  // lock of the balance changes the account.
  const names = await trx
    .selectFrom('ledger.accounts')
    .select(['id', 'name'])
    .where('ledger_id', '=', ledgerId)
    .where(sql<boolean>`id = ANY (${plainArray(locked.map(({ id }) => id))}::bigint[])`)
    .execute();
  const nameOf = new Map(names.map(({ id, name }) => [id, name]));
  const stored = new Array<StoredAccount | undefined>(accounts.length).fill(undefined);
  for (const { id, place, status, min_balance, empty } of locked) {
    stored[place] = { id, name: nameOf.get(id) ?? '', status, minBalance: min_balance, empty };
  }
  return stored;
}

/**
 * Writes name, status and limit: the status in both its places. The ids stand twice, as in update_balances: by the second condition the
 * rows are found by their key, where the join alone would read all there are as soon as many are changed.
 */
export async function updateAccounts(
  trx: Trx,
  ledgerId: number,
  accounts: readonly StoredAccount[],
): Promise<void> {
  if (accounts.length === 0) return;
  const ids = plainArray(accounts.map(({ id }) => id));
  const statuses = textArray(accounts.map(({ status }) => status));
  await sql`
    UPDATE ledger.balances AS b
    SET status = c.status, min_balance = c.min_balance
    FROM unnest(${ids}::bigint[], ${statuses}::text[], ${plainArray(accounts.map(({ minBalance }) => minBalance))}::bigint[])
      AS c (account_id, status, min_balance)
    WHERE b.ledger_id = ${ledgerId}::integer AND b.account_id = c.account_id AND b.account_id = ANY (${ids}::bigint[])`.execute(
    trx,
  );
  await sql`
    UPDATE ledger.accounts AS a
    SET status = c.status, name = c.name
    FROM unnest(${ids}::bigint[], ${statuses}::text[], ${textArray(accounts.map(({ name }) => name))}::text[])
      AS c (account_id, status, name)
    WHERE a.ledger_id = ${ledgerId}::integer AND a.id = c.account_id AND a.id = ANY (${ids}::bigint[])`.execute(
    trx,
  );
}

export async function readPhones(
  trx: Trx,
  ledgerId: number,
  accountIds: readonly bigint[],
): Promise<ReadonlyMap<bigint, readonly Phone[]>> {
  if (accountIds.length === 0) return new Map();
  const rows = await trx
    .selectFrom('ledger.account_phones')
    .select(['account_id as id', 'country_code as countryCode', 'phone_number as phoneNumber'])
    .where('ledger_id', '=', ledgerId)
    .where(sql<boolean>`account_id = ANY (${plainArray(accountIds)}::bigint[])`)
    .execute();
  return Map.groupBy(rows, ({ id }) => id);
}

/** Gives each account these phones and no others. */
export async function replacePhones(
  trx: Trx,
  ledgerId: number,
  phones: ReadonlyMap<bigint, readonly Phone[]>,
): Promise<void> {
  if (phones.size === 0) return;
  await trx
    .deleteFrom('ledger.account_phones')
    .where('ledger_id', '=', ledgerId)
    .where(sql<boolean>`account_id = ANY (${plainArray([...phones.keys()])}::bigint[])`)
    .execute();
  const rows = [...phones].flatMap(([id, numbers]) => numbers.map((phone) => ({ id, ...phone })));
  if (rows.length === 0) return;
  await sql`
    INSERT INTO ledger.account_phones (ledger_id, account_id, country_code, phone_number)
    SELECT ${ledgerId}::integer, p.account_id, p.country_code, p.phone_number
    FROM unnest(${plainArray(rows.map(({ id }) => id))}::bigint[],
                ${textArray(rows.map(({ countryCode }) => countryCode))}::text[],
                ${textArray(rows.map(({ phoneNumber }) => phoneNumber))}::text[])
      AS p (account_id, country_code, phone_number)
    ON CONFLICT DO NOTHING`.execute(trx);
}
