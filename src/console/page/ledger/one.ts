import type { components } from '../../../../clients/typescript/src/index.ts';
import { QuartermasterError } from '../../../../clients/typescript/src/index.ts';
import type { ViewContext } from '../view.ts';
import { dayOf, instantOfId, quarterOfDay } from './days.ts';
import { answered } from './load.ts';
import type { Transaction } from './transaction-table.ts';

/** A transaction as far as it can be told: from an archive its entries cannot. */
export interface Found {
  readonly transaction: Transaction &
    Partial<Pick<components['schemas']['Transaction'], 'entries' | 'reversed_by'>>;
  /** Whose archive it was read from; null where it is online. */
  readonly archive: string | null;
}

/** How many pages of an archive are looked through: all of them hold one millisecond. */
const MOST_PAGES = 20;

/** The quarter that an id belongs to; undefined of a text that is no id of ours. */
export function quarterOfId(id: string, zone: string): string | undefined {
  const at = instantOfId(id);
  return at && quarterOfDay(dayOf(at, zone));
}

/**
 * A transaction or a reservation. One that is not online is looked for in the archive of the quarter its id names.
 *
 * @throws QuartermasterError what is said of the archive where the quarter has one, and else what was said of what is online
 */
export async function findTransaction(context: ViewContext, ledger: string, id: string): Promise<Found> {
  const { api, signal, about } = context;
  try {
    const online = await api.GET('/v1/ledgers/{ledger}/transactions/{id}', {
      params: { path: { ledger, id } },
      signal,
    });
    return { transaction: answered(online), archive: null };
  } catch (error) {
    const quarter = quarterOfId(id, about.zone);
    if (!isCode(error, 'transaction_not_found') || quarter === undefined) throw error;
    const transaction = await findArchived(context, ledger, id.toLowerCase(), quarter, error);
    if (transaction === undefined) throw error;
    return { transaction, archive: quarter };
  }
}

async function findArchived(
  { api, signal }: ViewContext,
  ledger: string,
  id: string,
  quarter: string,
  online: unknown,
): Promise<Transaction | undefined> {
  const at = instantOfId(id)?.getTime() ?? 0;
  const span = { from: new Date(at).toISOString(), to: new Date(at + 1).toISOString() };
  let cursor: string | undefined;
  for (let pages = 0; pages < MOST_PAGES; pages++) {
    try {
      const query = { ledger, ...span, limit: '1000', ...(cursor && { cursor }) };
      const page = answered(
        await api.GET('/v1/quarters/{quarter}/transactions', {
          params: { path: { quarter }, query },
          signal,
        }),
      );
      const found = page.transactions.find((one) => one.id === id);
      if (found !== undefined || page.next_cursor === null) return found;
      cursor = page.next_cursor;
    } catch (error) {
      // A quarter that has no archive holds nothing that is not online.
      if (isCode(error, 'not_archived') || isCode(error, 'no_such_quarter')) throw online;
      throw error;
    }
  }
  return undefined;
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof QuartermasterError && error.code === code;
}
