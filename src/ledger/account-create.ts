import { sql } from 'kysely';
import { formatAddress } from '../core/account.ts';
import type { Db, Trx } from '../db/schema.ts';
import type { AccountView } from './account-list.ts';
import { type AccountCache, type AccountName, addressOf, type KnownAccount, keyOf } from './accounts.ts';
import { plainArray, textArray } from './arrays.ts';

export interface NewAccount extends AccountName {
  /** null: may go as far below zero as it likes. */
  readonly minBalance: bigint | null;
  /** Left out: none. */
  readonly name?: string | undefined;
  /** Left out: ACTIVE. */
  readonly status?: AccountView['status'] | undefined;
}

/** Creates, in a transaction of its own, what does not exist yet, and returns how many it made. */
export async function createAccounts(
  db: Db,
  ledgerId: number,
  accounts: readonly NewAccount[],
  cache?: AccountCache,
): Promise<number> {
  if (accounts.length === 0) return 0;
  const created = await db.transaction().execute((trx) => insertAccounts(trx, ledgerId, accounts));
  if (cache) rememberCreated(cache, ledgerId, created);
  return created.length;
}

/**
 * Creates those accounts that do not exist yet, each with its balance row, in the one order of names, and returns them.
 * Of two that create the same account at once one does.
 */
export async function insertAccounts(
  trx: Trx,
  ledgerId: number,
  accounts: readonly NewAccount[],
): Promise<KnownAccount[]> {
  if (accounts.length === 0) return [];
  const wanted = new Map(accounts.map((account) => [keyOf(account), account]));
  const inOrder = [...wanted].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, account]) => account);
  const addresses = inOrder.map(({ address }) => addressOf(address));
  const { rows } = await sql<{ id: bigint; entity_id: string; group_type: string; currency: string }>`
    INSERT INTO ledger.accounts (ledger_id, entity_id, group_type, currency, name, status)
    SELECT ${ledgerId}::integer, a.entity_id, a.group_type, a.currency, a.name, a.status
    FROM unnest(${textArray(addresses.map(({ entityId }) => entityId))}::text[],
                ${textArray(addresses.map(({ groupType }) => groupType))}::text[],
                ${textArray(inOrder.map(({ currency }) => currency))}::text[],
                ${textArray(inOrder.map(({ name }) => name ?? ''))}::text[],
                ${textArray(inOrder.map(({ status }) => status ?? 'ACTIVE'))}::text[])
      WITH ORDINALITY AS a (entity_id, group_type, currency, name, status, place)
    ORDER BY a.place
    ON CONFLICT (ledger_id, entity_id, group_type, currency) DO NOTHING
    RETURNING id, entity_id, group_type, currency`.execute(trx);
  const created = rows.map(({ id, entity_id: entityId, group_type: groupType, currency }) => {
    return { id, address: formatAddress({ entityId, groupType }), currency };
  });
  if (created.length === 0) return [];
  const given = created.map((account) => wanted.get(keyOf(account)) as NewAccount);
  await sql`
    INSERT INTO ledger.balances (ledger_id, account_id, min_balance, status)
    SELECT ${ledgerId}::integer, b.account_id, b.min_balance, b.status
    FROM unnest(${plainArray(created.map(({ id }) => id))}::bigint[],
                ${plainArray(given.map(({ minBalance }) => minBalance))}::bigint[],
                ${textArray(given.map(({ status }) => status ?? 'ACTIVE'))}::text[])
      AS b (account_id, min_balance, status)`.execute(trx);
  return created;
}

/** Tells the cache of accounts that were just made. */
export function rememberCreated(
  cache: AccountCache,
  ledgerId: number,
  created: readonly KnownAccount[],
): void {
  for (const { id, address, currency } of created) {
    cache.set(ledgerId, address, new Map(cache.get(ledgerId, address)).set(currency, id));
  }
}
