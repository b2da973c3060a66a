import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PostRequest } from '../../src/ledger/request.ts';
import { readTransaction } from '../../src/ledger/transactions.ts';
import { type Book, brokenRules } from './fixture.ts';
import {
  codes,
  countTransactions,
  keyed,
  openWallets,
  request,
  transactionOf,
  walletsOf,
} from './post-fixture.ts';

let book: Book;
beforeAll(async () => {
  book = await openWallets(new Date());
  await post([request('bank:CASH', 'ann:WALLET', 1000n)]);
});
afterAll(async () => {
  expect(await brokenRules(book.db)).toEqual([]);
  await book.close();
});

const { post, read, one, reserve } = walletsOf(() => book);

async function available(account: string): Promise<bigint> {
  const { rows } = await sql<{ available: bigint }>`
    SELECT b.posted - b.pending_out AS available
    FROM ledger.balances AS b JOIN ledger.accounts AS a ON a.id = b.account_id
    WHERE a.entity_id || ':' || a.group_type = ${account} AND a.currency = 'EUR'`.execute(book.db);
  return rows[0]?.available ?? -1n;
}

describe('a reservation', () => {
  it('is found under its id, holds its funds, and is no transaction', async () => {
    const before = { free: await available('ann:WALLET'), transactions: await countTransactions(book) };
    const made = await reserve(100n, {
      userId: 'ann',
      referenceCode: 'R-1',
      description: 'a "seat"',
      metadata: { seat: '12,A' },
      effectiveAt: new Date('2020-01-01T00:00:00Z'),
      expiresAt: new Date(Date.now() + 3_600_000),
    });
    expect(made).toMatchObject({ status: 'PENDING', amount: 100n, entries: [], userId: 'ann' });
    expect(await read(made.id)).toEqual(made);
    expect(await readTransaction(book.db, book.ledger.id, made.id)).toBeUndefined();
    expect(await available('ann:WALLET')).toBe(before.free - 100n);
    expect(await countTransactions(book)).toBe(before.transactions);
  });

  it('is settled in part: the transaction names it and says what it said, the rest is free', async () => {
    const free = await available('ann:WALLET');
    const made = await reserve(90n, { userId: 'ann', referenceCode: 'R-2', metadata: { a: 1 } });
    const booked = transactionOf(await one({ settle: made.id, amounts: [40n] }));
    expect(booked).toMatchObject({
      status: 'SUCCESS',
      amount: 40n,
      settles: made.id,
      userId: 'ann',
      referenceCode: 'R-2',
      metadata: { a: 1 },
    });
    expect(await read(booked.id)).toEqual(booked);
    expect(await read(made.id)).toMatchObject({
      status: 'SETTLED',
      reservation: { transactionId: booked.id, resolvedAt: booked.createdAt },
    });
    expect(await available('ann:WALLET')).toBe(free - 40n);
    expect(codes([await one({ settle: made.id }), await one({ void: made.id })])).toEqual([
      'reservation_not_pending',
      'reservation_not_pending',
    ]);
  });

  it('is voided, which answers with the reservation as it is read afterwards', async () => {
    const free = await available('ann:WALLET');
    const made = await reserve(70n);
    const freed = transactionOf(await one({ void: made.id }));
    expect(freed).toMatchObject({ id: made.id, status: 'VOIDED' });
    expect(await read(made.id)).toEqual(freed);
    expect(await available('ann:WALLET')).toBe(free);
  });

  it('whose time has passed is not settled, and is expired by whoever voids it', async () => {
    const made = await reserve(5n, { expiresAt: new Date(Date.now() + 400) });
    expect(codes([await one({ void: made.id, expired: true })])).toEqual(['reservation_not_expired']);
    // The clock that counts is the database's.
    for (let past = false; !past; await delay(20)) {
      const { rows } = await sql<{ past: boolean }>`
        SELECT expires_at < clock_timestamp() AS past FROM ledger.reservations WHERE id = ${made.id}`.execute(
        book.db,
      );
      past = rows[0]?.past ?? false;
    }
    expect(codes([await one({ settle: made.id })])).toEqual(['reservation_expired']);
    expect(transactionOf(await one({ void: made.id, expired: true })).status).toBe('EXPIRED');
  });

  it('is unknown in another ledger, and under an id of nothing', async () => {
    const made = await reserve(1n);
    const other = await book.poster.post(book.ledger.id + 1, [{ settle: made.id }, { void: made.id }]);
    expect(codes(other)).toEqual(['reservation_not_found', 'reservation_not_found']);
    expect(codes([await one({ settle: '00000000-0000-7000-8000-000000000000' })])).toEqual([
      'reservation_not_found',
    ]);
    await one({ void: made.id });
  });

  it('is settled once by twenty that try at once', async () => {
    const made = await reserve(10n);
    const tries = Array.from(
      { length: 20 },
      (_, index): PostRequest => (index % 2 === 0 ? { settle: made.id } : { void: made.id }),
    );
    const results = await Promise.all(tries.map((each) => one(each)));
    expect(codes(results).filter((code) => code === 'created')).toHaveLength(1);
    expect(codes(results).filter((code) => code === 'reservation_not_pending')).toHaveLength(19);
  });
});

describe('under an idempotency key', () => {
  it('a reservation is answered as it was made, whatever became of it since', async () => {
    const what = keyed('res-1', request('ann:WALLET', 'bob:WALLET', 30n, { status: 'PENDING' }));
    const made = await one(what);
    const settled = await one(keyed('set-1', { settle: transactionOf(made).id }));
    expect(await one(what)).toEqual({ ...made, kind: 'replayed' });
    expect(await one(keyed('set-1', { settle: transactionOf(made).id }))).toEqual({
      ...settled,
      kind: 'replayed',
    });
  });

  it('a void and a reversal are done once', async () => {
    const made = await reserve(30n);
    const first = await one(keyed('void-1', { void: made.id }));
    expect(await one(keyed('void-1', { void: made.id }))).toEqual({ ...first, kind: 'replayed' });
    const booked = transactionOf(await one(request('bank:CASH', 'bob:WALLET', 2n)));
    const reversed = await one(keyed('rev-1', { reverse: booked.id }));
    expect(await one(keyed('rev-1', { reverse: booked.id }))).toEqual({ ...reversed, kind: 'replayed' });
    expect(codes([await one(keyed('rev-1', { void: made.id }))])).toEqual(['idempotency_key_reused']);
  });

  it('a thousand replays are read together', async () => {
    const batch = Array.from({ length: 1000 }, (_, index) =>
      keyed(`many-${index}`, request('bank:CASH', 'bob:WALLET', BigInt(index + 1))),
    );
    const first = await post(batch);
    const again = await post(batch);
    expect(again).toEqual(first.map((result) => ({ ...result, kind: 'replayed' })));
  });
});

describe('an atomic batch', () => {
  it('books all or nothing, and tells each what became of it', async () => {
    const before = await countTransactions(book);
    const good = request('bank:CASH', 'bob:WALLET', 1n);
    const bad = request('cid:WALLET', 'bob:WALLET', 1_000_000n);
    expect(codes(await post([keyed('atom', good), bad, good], { atomic: true }))).toEqual([
      'batch_refused',
      'insufficient_funds',
      'batch_refused',
    ]);
    expect(await countTransactions(book)).toBe(before);
    expect(codes(await post([keyed('atom', good), good], { atomic: true }))).toEqual(['created', 'created']);
    expect(codes(await post([keyed('atom', bad), good], { atomic: true }))).toEqual([
      'idempotency_key_reused',
      'batch_refused',
    ]);
    expect(await countTransactions(book)).toBe(before + 2);
  });
});

describe('a dry run', () => {
  it('says what would happen and does nothing, not even wait for a lock', async () => {
    const made = await reserve(20n);
    const before = await countTransactions(book);
    await book.db.transaction().execute(async (trx) => {
      await sql`SELECT FROM ledger.balances FOR UPDATE`.execute(trx);
      const results = await post(
        [
          keyed('dry', request('bank:CASH', 'bob:WALLET', 1n)),
          request('cid:WALLET', 'bob:WALLET', 1_000_000n),
          { settle: made.id },
          { void: made.id },
        ],
        { dryRun: true },
      );
      expect(codes(results)).toEqual(['created', 'insufficient_funds', 'created', 'reservation_not_pending']);
      expect(transactionOf(results[0]).entries).toHaveLength(2);
    });
    expect(await countTransactions(book)).toBe(before);
    expect((await read(made.id))?.status).toBe('PENDING');
    expect(codes([await one(keyed('dry', request('bank:CASH', 'bob:WALLET', 1n)))])).toEqual(['created']);
    await one({ void: made.id });
  });
});
