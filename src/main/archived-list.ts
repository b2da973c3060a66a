import type { FileCache } from '../archive/cache.ts';
import { cursorScope, encodeCursor, readCursor } from '../core/cursor.ts';
import { assert } from '../core/errors.ts';
import { parseJson } from '../core/json.ts';
import type { HttpHouse } from '../http/house.ts';
import { accountsOf } from '../ledger/account-of.ts';
import { checkFilter } from '../ledger/list-filter.ts';
import type { TransactionRow } from '../ledger/list-rows.ts';
import { createSourceFinder } from '../quarters/archived-sources.ts';
import { type ArchivedRow, readArchivedPage } from '../quarters/archived-transactions.ts';
import type { QuarterHouse } from '../quarters/context.ts';
import { asDamage } from './archived.ts';

/** How long a page may take, the fetching of files included. */
const PAGE_MS = 30_000;

/** Lists what archives hold, with the filters and the answers of the list of what is online. */
export function createArchivedList(quarters: QuarterHouse, cache: FileCache): HttpHouse['listArchived'] {
  const { database, calendar } = quarters;
  const findSources = createSourceFinder(quarters);

  return async (quarter, ledgerId, { limit, cursor, ...filter }, signal) => {
    checkFilter(calendar, filter);
    const scope = cursorScope({ list: 'archived', quarter, ledgerId, ...filter });
    const after = cursor === undefined ? undefined : readAfter(scope, cursor);
    const { account, currency } = filter;
    // Accounts are never removed: the database knows those of every quarter.
    const accounts =
      account === undefined ? undefined : await accountsOf(database.write, ledgerId, account, currency);
    const [source] = await findSources([quarter]).catch(asDamage);
    assert(source, 'there is one for each quarter');
    const { rows, more } = await readArchivedPage(
      cache,
      source,
      { ...filter, ledgerId, limit, after, accountIds: accounts?.map(({ id }) => id) },
      { timeoutMs: PAGE_MS, signal },
    ).catch(asDamage);
    const last = rows.at(-1);
    return {
      transactions: rows.map(toRow),
      next: more && last ? encodeCursor(scope, [new Date(last.created_ms), last.id]) : undefined,
    };
  };
}

function readAfter(scope: string, cursor: string): { at: Date; id: string } {
  const parts = readCursor(scope, cursor);
  const after = { at: parts.instant(), id: parts.uuid() };
  parts.end();
  return after;
}

function toRow(row: ArchivedRow): TransactionRow {
  return {
    id: row.id,
    createdAt: new Date(row.created_ms),
    userId: row.user_id,
    status: row.status,
    currency: row.currency,
    amount: BigInt(row.amount),
    referenceCode: row.reference_code,
    description: row.description,
    effectiveAt: row.effective_ms === null ? null : new Date(row.effective_ms),
    metadata: row.metadata === null ? null : (parseJson(row.metadata) as Record<string, unknown>),
    reverses: row.reverses,
    settles: row.settles,
    reservation: null,
  };
}
