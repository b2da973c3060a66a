import type { Wire } from './client.ts';
import { dataOf, initOf, type ReadOptions } from './options.ts';
import { type Paged, paged } from './pages.ts';
import type { operations } from './schema.ts';

type Page = operations['getStatement']['responses'][200]['content']['application/json'];

/** An entry, with the balance it left: amounts are texts of minor units. */
export type StatementLine = Page['entries'][number];

/** Which entries: `from` an instant or a day, up to `to` or now. `limit`: how many a page has, 1 to 1000. */
export type StatementRange = Omit<operations['getStatement']['parameters']['query'], 'cursor' | 'limit'> & {
  readonly limit?: number;
};

/**
 * @param account its id, or its address as `user-123:WALLET`
 * @returns its entries, oldest first; each page also says the balance before and after the whole range
 */
export type Statements = (
  ledger: string,
  account: string,
  range: StatementRange,
  options?: ReadOptions,
) => Paged<StatementLine, Page>;

export function createStatements({ routes, transport }: Wire): Statements {
  return (ledger, account, { limit, ...range }, options) =>
    paged(
      async (cursor) => {
        const query = {
          ...range,
          ...(limit !== undefined && { limit: String(limit) }),
          ...(cursor !== undefined && { cursor }),
        };
        const init = { params: { path: { ledger, account }, query }, ...initOf(transport, options) };
        return dataOf(await routes.GET('/v1/ledgers/{ledger}/accounts/{account}/statement', init));
      },
      ({ entries }) => entries,
    );
}
