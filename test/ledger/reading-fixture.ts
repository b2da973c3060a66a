import { sql } from 'kysely';
import type { Posting } from '../../src/core/posting.ts';
import { partitionName, quarterTables } from '../../src/core/tables.ts';
import { identifier } from '../../src/db/identifier.ts';
import type { TransactionView } from '../../src/ledger/transaction-view.ts';
import { refreshSummaries } from '../../src/summaries/refresh.ts';
import { type Book, openBook } from './fixture.ts';

/** A ledger with a past, and all that was booked in it, oldest first. */
export interface History {
  readonly book: Book;
  readonly all: readonly TransactionView[];
  /** Books random transactions at random instants of `[from, to)`, several at one instant among them. */
  add(count: number, from: Date, to: Date): Promise<TransactionView[]>;
  refresh(): Promise<void>;
  /** Takes a quarter out of the tables, as detaching does. */
  detach(quarter: string): Promise<void>;
  random(below: number): number;
}

const wallets = ['ann', 'bob', 'cid', 'dee'].map((name) => `${name}:WALLET`);
const users = ['ann', 'bob', '', "d'ee"];
// The last ones are what a prefix has to be exact about: a shorter text, code points around the surrogates, and the very last.
const references = [
  'INV-',
  'INV',
  'INV-1',
  'INV.',
  'inv-',
  'é',
  '\u{d7ff}',
  '\u{e000}',
  '\u{10ffff}',
  '\u{10ffff}\u{10ffff}',
  '%_',
];

export async function openHistory(zone: string, from: Date, to: Date, seed: number): Promise<History> {
  const book = await openBook({ zone });
  await book.ensureQuarters(from, to);
  const accounts = ['bank:CASH', ...wallets].flatMap((address) =>
    ['EUR', 'USD'].map((currency) => ({ address, currency, minBalance: null })),
  );
  await book.open(...accounts, { address: 'idle:WALLET', currency: 'EUR', minBalance: null });
  const all: TransactionView[] = [];
  let state = seed;
  // A linear congruential generator (Numerical Recipes) is random enough here.
  const random = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const oneOf = <T>(list: readonly T[]) => list[random(list.length)] as T;

  function postings(): Posting[] {
    return Array.from({ length: 1 + (random(3) === 0 ? 1 + random(3) : 0) }, () => {
      const wallet = oneOf(wallets);
      const others = ['bank:CASH', 'bank:CASH', ...wallets.filter((one) => one !== wallet)];
      const [a, b] = random(2) === 0 ? [wallet, oneOf(others)] : [oneOf(others), wallet];
      return { from: a, to: b, amount: BigInt(1 + random(1000)), currency: random(3) === 0 ? 'USD' : 'EUR' };
    });
  }

  return {
    book,
    all,
    random,
    async add(count, start, end) {
      const instants = Array.from(
        { length: Math.ceil(count / 3) },
        () => new Date(start.getTime() + random(end.getTime() - start.getTime())),
      );
      const times = Array.from({ length: count }, () => oneOf(instants)).sort(
        (a, b) => a.getTime() - b.getTime(),
      );
      const added: TransactionView[] = [];
      for (let i = 0; i < times.length; i += 200) {
        const requests = times.slice(i, i + 200).map((createdAt, place) => ({
          postings: postings(),
          createdAt,
          userId: oneOf(users),
          status: random(8) === 0 ? ('FAILED' as const) : ('SUCCESS' as const),
          ...(random(4) === 0 ? {} : { referenceCode: oneOf(references) + (random(2) === 0 ? '' : place) }),
          ...(random(4) === 0 ? { metadata: { place } } : {}),
        }));
        for (const result of await book.poster.post(book.ledger.id, requests)) {
          if (result.kind !== 'created') throw new Error(`not booked: ${JSON.stringify(result)}`);
          added.push(result.transaction);
        }
      }
      all.push(...added);
      return added;
    },
    async refresh() {
      await refreshSummaries({ database: book.database, calendar: book.calendar });
    },
    async detach(quarter) {
      for (const table of quarterTables) {
        const partition = identifier(table.schema, partitionName(table, quarter));
        await sql
          .raw(`ALTER TABLE ${identifier(table.schema, table.name)} DETACH PARTITION ${partition}`)
          .execute(book.database.direct);
      }
      await sql`UPDATE quartermaster.quarters SET state = 'detached' WHERE quarter = ${quarter}`.execute(
        book.db,
      );
    },
  };
}

/** Newest first, in the order of lists. */
export function newestFirst(transactions: readonly TransactionView[]): TransactionView[] {
  return [...transactions].sort(
    (a, b) => b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? 1 : -1),
  );
}
