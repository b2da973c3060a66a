import { readFile } from 'node:fs/promises';
import { CompiledQuery, sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLedger } from '../../src/ledger/ledgers.ts';
import type { Poster } from '../../src/ledger/post.ts';
import { expireReservations } from '../../src/ledger/reservation-expiry.ts';
import { type Book, brokenRules, openBook } from './fixture.ts';

let book: Book;
beforeAll(async () => {
  book = await openBook();
  await book.ensureQuarters(new Date(), new Date());
  await book.open(
    { address: 'bank:CASH', currency: 'EUR', minBalance: null },
    { address: 'shop:CASH', currency: 'EUR', minBalance: 0n },
  );
});
afterAll(() => book.close());
beforeEach(async () => {
  await sql`DELETE FROM ledger.reservations`.execute(book.db);
  await sql`UPDATE ledger.balances SET pending_in = 0, pending_out = 0`.execute(book.db);
});

/** Reserves 1 of each, and lets the first `overdue` of them expire. */
async function reserve(count: number, overdue: number): Promise<string[]> {
  const expiresAt = new Date(Date.now() + 3_600_000);
  const results = await book.poster.post(
    book.ledger.id,
    Array.from({ length: count }, () => ({
      postings: [{ from: 'bank:CASH', to: 'shop:CASH', amount: 1n, currency: 'EUR' }],
      status: 'PENDING' as const,
      expiresAt,
    })),
  );
  const ids = results.map((result) => (result.kind === 'refused' ? '' : result.transaction.id));
  // All at one instant: a page may end among those that expire together.
  await sql`
    UPDATE ledger.reservations SET expires_at = now() - interval '1 hour'
    WHERE id = ANY (${ids.slice(0, overdue)}::uuid[])`.execute(book.db);
  return ids;
}

const expire = (poster: Poster = book.poster, signal?: AbortSignal) =>
  expireReservations({ db: book.db, poster }, signal);

async function states(): Promise<Record<string, number>> {
  const { rows } = await sql<{ state: string; n: number }>`
    SELECT state, count(*)::int AS n FROM ledger.reservations GROUP BY state`.execute(book.db);
  return Object.fromEntries(rows.map(({ state, n }) => [state, n]));
}

async function pending(): Promise<unknown[]> {
  const { rows } = await sql`
    SELECT a.entity_id, b.pending_out, b.pending_in
    FROM ledger.balances b JOIN ledger.accounts a ON a.ledger_id = b.ledger_id AND a.id = b.account_id
    WHERE b.ledger_id = ${book.ledger.id} ORDER BY 1`.execute(book.db);
  return rows;
}

describe('reservations whose time has passed', () => {
  it('are voided and their funds freed, however many; the others stay', async () => {
    await reserve(1203, 1200);
    expect(await expire()).toEqual({ expired: 1200, resolvedMeanwhile: 0 });
    expect(await states()).toEqual({ EXPIRED: 1200, PENDING: 3 });
    expect(await pending()).toEqual([
      { entity_id: 'bank', pending_out: 3n, pending_in: 0n },
      { entity_id: 'shop', pending_out: 0n, pending_in: 3n },
    ]);
    expect(await expire()).toEqual({ expired: 0, resolvedMeanwhile: 0 });
    expect(await brokenRules(book.db)).toEqual([]);
  });

  it('are voided once: one that somebody else voids in the moment between is no failure', async () => {
    const [first = ''] = await reserve(3, 3);
    const quicker: Poster = {
      post: async (ledgerId, requests, options) => {
        await book.poster.post(ledgerId, [{ void: first }]);
        return book.poster.post(ledgerId, requests, options);
      },
    };
    expect(await expire(quicker)).toEqual({ expired: 2, resolvedMeanwhile: 1 });
    expect(await states()).toEqual({ EXPIRED: 3 });
  });

  it('are asked for once each, even if every one is refused', async () => {
    await reserve(1100, 1100);
    const asked: string[] = [];
    const refusing: Poster = {
      post: async (_ledgerId, requests) => {
        asked.push(...requests.map((request) => ('void' in request ? request.void : '')));
        return requests.map(() => ({ kind: 'refused', error: new Error('no') as never }));
      },
    };
    expect(await expire(refusing)).toEqual({ expired: 0, resolvedMeanwhile: 1100 });
    expect(new Set(asked).size).toBe(1100);
    expect(asked).toHaveLength(1100);
  });

  it('are those of every ledger', async () => {
    const other = await createLedger(book.db, 'other');
    await reserve(2, 2);
    await sql`
      INSERT INTO ledger.reservations
        (ledger_id, id, state, postings, created_at, expires_at, currency, amount, account_ids)
      SELECT ${other.id}, gen_random_uuid(), 'PENDING', '[]', now(), now() - interval '1 day', 'EUR', 1, '{}'`.execute(
      book.db,
    );
    const ledgers: number[] = [];
    const poster: Poster = {
      post: async (ledgerId, requests) => {
        ledgers.push(ledgerId);
        return requests.map(() => ({ kind: 'refused', error: new Error('no') as never }));
      },
    };
    await expire(poster);
    expect(ledgers.sort()).toEqual([book.ledger.id, other.id].sort());
  });

  it('wait when the worker stops', async () => {
    await reserve(1, 1);
    const stop = new AbortController();
    stop.abort();
    await expect(expire(book.poster, stop.signal)).rejects.toMatchObject({ kind: 'aborted' });
    expect(await states()).toEqual({ PENDING: 1 });
  });

  it('are found by their time, whatever else is pending', async () => {
    await sql`
      INSERT INTO ledger.reservations
        (ledger_id, id, state, postings, created_at, expires_at, currency, amount, account_ids)
      SELECT 1, gen_random_uuid(), 'PENDING', '[]', now(), now() + n * interval '1 second', 'EUR', 1, '{}'
      FROM generate_series(-100, 30000) AS n`.execute(book.db);
    await sql`ANALYZE ledger.reservations`.execute(book.db);
    const text = await readFile('sql/queries/expired_reservations.sql', 'utf8');
    const { rows } = await book.db.executeQuery<Record<string, string>>(
      CompiledQuery.raw(`EXPLAIN (COSTS OFF) ${text.replace(/^--.*\n/gm, '')}`, [
        '-infinity',
        '00000000-0000-0000-0000-000000000000',
        500,
      ]),
    );
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toMatch(/Index Scan using reservations_expiry_idx/);
    expect(plan).not.toMatch(/Seq Scan/);
  });
});
