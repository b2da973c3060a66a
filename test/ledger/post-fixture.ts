import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { PostOptions, PostResult } from '../../src/ledger/post.ts';
import type { PostRequest, TransactionRequest } from '../../src/ledger/request.ts';
import type { TransactionView } from '../../src/ledger/transaction-view.ts';
import { readTransactionOrReservation } from '../../src/ledger/transactions.ts';
import { type Book, openBook } from './fixture.ts';

/** A book with a bank in two currencies and three empty wallets, and the quarter of `today` and the one before. */
export async function openWallets(today: Date): Promise<Book> {
  const book = await openBook();
  const { start } = book.calendar.quarterOf(today);
  await book.ensureQuarters(new Date(start.getTime() - 1), today);
  await book.open(
    { address: 'bank:CASH', currency: 'EUR', minBalance: null },
    { address: 'bank:CASH', currency: 'USD', minBalance: null },
    ...['ann', 'bob', 'cid'].map((name) => ({ address: `${name}:WALLET`, currency: 'EUR', minBalance: 0n })),
  );
  return book;
}

/** Short ways to post to the wallets of a book, which is there when they are called. */
export function walletsOf(book: () => Book) {
  const post = (requests: PostRequest[], options?: PostOptions) =>
    book().poster.post(book().ledger.id, requests, options);
  const one = async (what: PostRequest, options?: PostOptions): Promise<PostResult> => {
    const [result] = await post([what], options);
    if (!result) throw new Error('no result');
    return result;
  };
  return {
    post,
    one,
    read: (id: string) => readTransactionOrReservation(book().db, book().ledger.id, id),
    reserve: async (amount: bigint, more: object = {}): Promise<TransactionView> =>
      transactionOf(await one(request('ann:WALLET', 'bob:WALLET', amount, { status: 'PENDING', ...more }))),
  };
}

export function request(
  from: string,
  to: string,
  amount: bigint,
  changes: Partial<TransactionRequest> = {},
): TransactionRequest {
  return { postings: [{ from, to, amount, currency: 'EUR' }], ...changes };
}

export function keyed<R extends PostRequest>(key: string, what: R): R {
  const text = JSON.stringify(what, (_, value) => (typeof value === 'bigint' ? `${value}` : value));
  return { ...what, idempotency: { key, fingerprint: createHash('sha256').update(text).digest() } };
}

/** What became of each request, in a word. */
export function codes(results: readonly PostResult[]): string[] {
  return results.map((result) => (result.kind === 'refused' ? result.error.code : result.kind));
}

export function transactionOf(result: PostResult | undefined): TransactionView {
  if (result === undefined || result.kind === 'refused') throw new Error(`refused: ${result?.error.message}`);
  return result.transaction;
}

export async function countTransactions(book: Book): Promise<number> {
  const { rows } = await sql<{ n: number }>`SELECT count(*)::int AS n FROM ledger.transactions`.execute(
    book.db,
  );
  return rows[0]?.n ?? -1;
}
