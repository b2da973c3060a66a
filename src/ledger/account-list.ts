import { formatAddress } from '../core/account.ts';
import { AppError } from '../core/errors.ts';
import type { Db } from '../db/schema.ts';
import { plainArray, textArray } from './arrays.ts';
import { query } from './query.ts';

export interface Phone {
  /** With its plus, as +49. */
  readonly countryCode: string;
  readonly phoneNumber: string;
}

/** An account and what may be known of it at a glance. */
export interface AccountView {
  readonly id: bigint;
  /** user-123:WALLET */
  readonly account: string;
  readonly currency: string;
  readonly name: string;
  readonly status: 'ACTIVE' | 'BLOCKED' | 'CLOSED';
}

/** One of the three ways to look for accounts. */
export type AccountSearch =
  | { readonly entityId: string; readonly groupTypes?: readonly string[] | undefined }
  /** Country code and number in one, as +4915112345678. */
  | { readonly phone: string }
  | { readonly ids: readonly bigint[] };

/** An account as it shall be. What is left out stays as it is, or gets its usual value in a new one. */
export interface AccountChange {
  readonly account: string;
  readonly currency: string;
  readonly name?: string | undefined;
  /** CLOSED only where nothing is on it and nothing is pending; what is closed may be opened again. */
  readonly status?: 'ACTIVE' | 'BLOCKED' | 'CLOSED' | undefined;
  /** null: no limit. 0 in a new account. It may be above what there is: then nothing leaves until enough has come in. */
  readonly minBalance?: bigint | null | undefined;
  /** All its phones. */
  readonly phones?: readonly Phone[] | undefined;
}

/** Codes: unknown_currency, duplicate_account, account_not_empty. */
export type AccountResult =
  | { readonly kind: 'created' | 'updated' | 'unchanged'; readonly account: AccountView }
  | { readonly kind: 'refused'; readonly code: string; readonly detail: string };

interface AccountRow {
  readonly id: bigint;
  readonly entity_id: string;
  readonly group_type: string;
  readonly currency: string;
  readonly name: string;
  readonly status: AccountView['status'];
}

/** How many accounts one answer, or one call that changes accounts, may hold. */
export const MAX_ACCOUNTS = 1000;

const MAX_ID = 2n ** 63n - 1n;

const accountsOfEntity = query<AccountRow>('accounts_of_entity');
const accountsOfGroups = query<AccountRow>('accounts_of_groups');
const accountsByPhone = query<AccountRow>('accounts_by_phone');
const accountsById = query<AccountRow>('accounts_by_id');

/**
 * At most 1000, by address and currency; ids that are nobody's are missing from the answer.
 *
 * @throws AppError invalid/too_many_accounts rather than to give some and keep quiet about the others
 */
export async function searchAccounts(
  db: Db,
  ledgerId: number,
  search: AccountSearch,
): Promise<readonly AccountView[]> {
  const rows = await rowsOf(db, ledgerId, search);
  if (rows.length <= MAX_ACCOUNTS) return rows.map(viewOf);
  const [what, advice] =
    'entityId' in search
      ? [`The entity ${search.entityId}`, 'Narrow the search by group_type.']
      : ['phone' in search ? `The phone ${search.phone}` : 'The list of ids', 'Look for the entity instead.'];
  const detail = `${what} has more than ${MAX_ACCOUNTS} accounts, and an answer holds no more. ${advice}`;
  throw new AppError('invalid', 'too_many_accounts', detail);
}

function viewOf(row: AccountRow): AccountView {
  const { id, currency, name, status } = row;
  const account = formatAddress({ entityId: row.entity_id, groupType: row.group_type });
  return { id, account, currency, name, status };
}

/** One more than an answer may hold, so that it is known when there are more. */
async function rowsOf(db: Db, ledgerId: number, search: AccountSearch): Promise<AccountRow[]> {
  const limit = MAX_ACCOUNTS + 1;
  if ('phone' in search) return accountsByPhone(db, [ledgerId, search.phone, limit]);
  if ('entityId' in search) {
    const { entityId, groupTypes } = search;
    return groupTypes === undefined
      ? accountsOfEntity(db, [ledgerId, entityId, limit])
      : accountsOfGroups(db, [ledgerId, entityId, textArray(groupTypes), limit]);
  }
  // Numbers beyond a bigint are well-formed ids that nobody has.
  const ids = new Set(search.ids.filter((id) => id >= 0n && id <= MAX_ID));
  return ids.size === 0 ? [] : accountsById(db, [ledgerId, plainArray([...ids])]);
}
