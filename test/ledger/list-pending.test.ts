import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createIds } from '../../src/core/id.ts';
import { listTransactions, type TransactionList } from '../../src/ledger/list.ts';
import { type Book, openBook } from './fixture.ts';

let book: Book;
let accounts: Map<string, bigint>;
const start = new Date('2024-03-05T10:00:00Z');
const newId = createIds();

/** Three hundred reservations, of which every third is pending; ties on their time among them. */
const made = Array.from({ length: 300 }, (_, n) => {
  const createdAt = new Date(start.getTime() + Math.floor(n / 5) * 60_000);
  return {
    id: newId(createdAt),
    createdAt,
    userId: n % 2 === 0 ? 'ann' : 'bob',
    state: n % 3 === 0 ? ('PENDING' as const) : ('VOIDED' as const),
    to: n % 4 === 0 ? 'ann:WALLET' : 'bob:WALLET',
    referenceCode: n % 6 === 0 ? `HOLD-${n}` : null,
  };
});

beforeAll(async () => {
  book = await openBook();
  await book.open(
    ...['bank:CASH', 'ann:WALLET', 'bob:WALLET'].map((address) => ({
      address,
      currency: 'EUR',
      minBalance: null,
    })),
  );
  const rows = await book.db
    .selectFrom('ledger.accounts')
    .select(['id', 'entity_id', 'group_type'])
    .execute();
  accounts = new Map(rows.map((row) => [`${row.entity_id}:${row.group_type}`, row.id]));
  await book.db
    .insertInto('ledger.reservations')
    .values(
      made.map((one) => ({
        ledger_id: book.ledger.id,
        id: one.id,
        state: one.state,
        postings: JSON.stringify([
          { from: 'bank:CASH', to: one.to, amount: '9007199254740993', currency: 'EUR' },
        ]),
        user_id: one.userId,
        reference_code: one.referenceCode,
        created_at: one.createdAt,
        resolved_at: one.state === 'PENDING' ? null : one.createdAt,
        expires_at: new Date('2024-04-01'),
        currency: 'EUR',
        amount: 9_007_199_254_740_993n,
        account_ids: [accounts.get('bank:CASH') as bigint, accounts.get(one.to) as bigint],
      })),
    )
    .execute();
});
afterAll(() => book.close());

const list = (query: Partial<TransactionList>) =>
  listTransactions(book, book.ledger.id, { status: 'PENDING', limit: 7, ...query });

async function listAll(query: Partial<TransactionList>) {
  const found: string[] = [];
  for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
    const page = await list({ ...query, cursor });
    found.push(...page.transactions.map(({ id }) => id));
    cursor = page.next;
  }
  return found;
}

const pending = (is: (one: (typeof made)[number]) => boolean) =>
  made
    .filter((one) => one.state === 'PENDING' && is(one))
    .map(({ id }) => id)
    .sort()
    .reverse();

describe('a list of what is pending', () => {
  it('holds reservations and nothing that was settled, voided or has expired', async () => {
    expect(await listAll({})).toEqual(pending(() => true));
    const { transactions } = await list({ limit: 1 });
    expect(transactions[0]).toEqual({
      id: made[297]?.id,
      createdAt: made[297]?.createdAt,
      userId: 'bob',
      status: 'PENDING',
      currency: 'EUR',
      amount: 9_007_199_254_740_993n,
      referenceCode: null,
      description: null,
      effectiveAt: null,
      metadata: null,
      reverses: null,
      settles: null,
      reservation: {
        postings: [{ from: 'bank:CASH', to: 'bob:WALLET', amount: 9_007_199_254_740_993n, currency: 'EUR' }],
        expiresAt: new Date('2024-04-01'),
        resolvedAt: null,
        transactionId: null,
      },
    });
  });

  it('takes the filters of any other list', async () => {
    const from = new Date(start.getTime() + 600_000);
    const to = new Date(start.getTime() + 2_400_000);
    expect(await listAll({ userId: 'ann' })).toEqual(pending(({ userId }) => userId === 'ann'));
    expect(await listAll({ account: 'ann:WALLET' })).toEqual(pending((one) => one.to === 'ann:WALLET'));
    expect(await listAll({ from, to, userId: 'bob' })).toEqual(
      pending(({ createdAt, userId }) => createdAt >= from && createdAt < to && userId === 'bob'),
    );
    expect(await listAll({ referencePrefix: 'HOLD-1' })).toEqual(
      pending(({ referenceCode }) => referenceCode?.startsWith('HOLD-1') === true),
    );
    expect(await listAll({ currency: 'USD' })).toEqual([]);
  });

  it('is counted, and has no quarters', async () => {
    expect(await list({ userId: 'ann', includeTotal: true })).toMatchObject({
      total: { count: BigInt(pending(({ userId }) => userId === 'ann').length), exact: true },
      archivedQuarters: [],
    });
  });
});
