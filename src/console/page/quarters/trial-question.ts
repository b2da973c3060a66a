import type { operations } from '../../../../clients/typescript/src/index.ts';
import type { Api } from '../api.ts';

export type AccountsFound =
  operations['listTrialBalanceAccounts']['responses'][200]['content']['application/json'];
export type TrialAccount = AccountsFound['accounts'][number];
type Query = NonNullable<operations['listTrialBalanceAccounts']['parameters']['query']>;
export type SortColumn = NonNullable<Query['sort']>;

/** Which accounts, in which order. */
export interface AccountsAsked {
  readonly ledger: string;
  readonly currency: string;
  readonly prefix: string;
  readonly isMoved: boolean;
  readonly sort: SortColumn;
  readonly order: 'asc' | 'desc';
  readonly limit: number;
}

/** @throws QuartermasterError */
export async function readAccounts(
  api: Api,
  quarter: string,
  { ledger, currency, prefix, isMoved, sort, order, limit }: AccountsAsked,
  signal: AbortSignal,
): Promise<AccountsFound> {
  const query: Query = {
    ...{ sort, order, limit: String(limit) },
    ...(ledger !== '' && { ledger }),
    ...(currency !== '' && { currency }),
    ...(prefix.trim() !== '' && { account_prefix: prefix.trim() }),
    ...(isMoved && { moved: 'true' as const }),
  };
  const { data } = await api.GET('/v1/quarters/{quarter}/trial-balance/accounts', {
    params: { path: { quarter }, query },
    signal,
  });
  return data ?? { accounts: [], more: false };
}
