import { readFile } from 'node:fs/promises';
import { CompiledQuery, sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { purgeIdempotencyKeys } from '../../src/ledger/idempotency-purge.ts';
import { type Book, openBook } from './fixture.ts';

const BEFORE = new Date('2026-05-01T00:00:00Z');

let book: Book;
beforeAll(async () => {
  book = await openBook();
});
afterAll(() => book.close());

/** A key a minute until `BEFORE`, that instant itself, and some a minute after it. */
beforeEach(async () => {
  await sql`DELETE FROM ledger.idempotency_keys`.execute(book.db);
  await sql`
    INSERT INTO ledger.idempotency_keys (ledger_id, key, fingerprint, transaction_id, created_at)
    SELECT ${book.ledger.id} + n % 2, 'key ' || n, '\\x00', gen_random_uuid(),
           ${BEFORE}::timestamptz + n * interval '1 minute'
    FROM generate_series(-1000, 20) AS n`.execute(book.db);
});

async function left(): Promise<number[]> {
  const { rows } = await sql<{ n: number }>`
    SELECT substr(key, 5)::int AS n FROM ledger.idempotency_keys ORDER BY n`.execute(book.db);
  return rows.map(({ n }) => n);
}

describe('old idempotency keys', () => {
  it('are forgotten in batches, of all ledgers, and those that are younger are not', async () => {
    const steps: number[] = [];
    const onProgress = (deleted: number) => steps.push(deleted);
    const report = await purgeIdempotencyKeys(book.db, { before: BEFORE, batch: 300, onProgress });
    expect(report).toEqual({ deleted: 1000 });
    expect(steps).toEqual([300, 600, 900, 1000]);
    expect(await left()).toEqual(Array.from({ length: 21 }, (_, n) => n));
    expect(await purgeIdempotencyKeys(book.db, { before: BEFORE })).toEqual({ deleted: 0 });
  });

  it('go the oldest first, and the rest stays when the purge is stopped', async () => {
    const stop = new AbortController();
    const purge = purgeIdempotencyKeys(book.db, {
      before: BEFORE,
      batch: 100,
      signal: stop.signal,
      onProgress: (deleted) => deleted === 200 && stop.abort(),
    });
    await expect(purge).rejects.toMatchObject({ kind: 'aborted' });
    expect((await left())[0]).toBe(-800);
    expect(await left()).toHaveLength(821);
  });

  it('are forgotten once by two who do it at the same time', async () => {
    const reports = await Promise.all(
      [1, 2, 3].map(() => purgeIdempotencyKeys(book.db, { before: BEFORE, batch: 50 })),
    );
    expect(reports.reduce((sum, { deleted }) => sum + deleted, 0)).toBe(1000);
  });

  it('are found by their time, whatever else there is', async () => {
    await sql`
      INSERT INTO ledger.idempotency_keys (ledger_id, key, fingerprint, transaction_id, created_at)
      SELECT 1, 'many ' || n, '\\x00', gen_random_uuid(), ${BEFORE}::timestamptz + n * interval '1 second'
      FROM generate_series(1, 30000) AS n`.execute(book.db);
    await sql`ANALYZE ledger.idempotency_keys`.execute(book.db);
    expect(await planOf('oldest_idempotency_keys', [BEFORE, 500])).toMatch(
      /^Aggregate\n +Filter: .*\n +-> {2}Limit\n +-> {2}Index Only Scan using idempotency_keys_created_idx/,
    );
    expect(await planOf('purge_idempotency_keys', [BEFORE])).toMatch(
      /^Delete on idempotency_keys k\n +-> {2}Index Scan using idempotency_keys_created_idx/,
    );
  });
});

async function planOf(name: string, parameters: unknown[]): Promise<string> {
  const text = await readFile(`sql/queries/${name}.sql`, 'utf8');
  const { rows } = await book.db.executeQuery<Record<string, string>>(
    CompiledQuery.raw(`EXPLAIN (COSTS OFF) ${text.replace(/^--.*\n/gm, '')}`, parameters),
  );
  return rows.map((row) => row['QUERY PLAN']).join('\n');
}
