import { sql } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { buildIndexFile } from '../../src/db/index-file-build.ts';
import { thresholds } from '../../src/summaries/index-findings.ts';
import { reindex } from '../../src/summaries/index-reindex.ts';
import { type Book, brokenRules } from '../ledger/fixture.ts';
import { openWallets, request, transactionOf } from '../ledger/post-fixture.ts';
import { holdSnapshot, waitsInBuild } from './build-process.ts';
import { EXAMPLE, indexesLike } from './fixture.ts';

let book: Book;
let writers: ReturnType<typeof startWriters>;

beforeEach(async () => {
  book = await openWallets(new Date());
  writers = startWriters();
  await passes(20);
});

afterEach(async () => {
  await writers.stop();
  await book.close();
});

/** Three who post, each one transaction after the other, until they are told to stop. What fails to be booked fails the test. */
function startWriters(): { count: () => number; stop: () => Promise<void> } {
  let going = true;
  let count = 0;
  const write = async (wallet: string) => {
    while (going) {
      const [result] = await book.poster.post(book.ledger.id, [request('bank:CASH', wallet, 1n)]);
      transactionOf(result);
      count++;
    }
  };
  const all = Promise.all(['ann:WALLET', 'bob:WALLET', 'cid:WALLET'].map(write));
  all.catch(() => {});
  return {
    count: () => count,
    stop: async () => {
      going = false;
      await all;
    },
  };
}

/** Waits until so many more transactions are booked. */
async function passes(more: number): Promise<void> {
  const before = writers.count();
  await expect
    .poll(() => writers.count() - before, { timeout: 30_000, interval: 10 })
    .toBeGreaterThanOrEqual(more);
}

/** Sessions that wait for the lock of a table or an index: writers wait for each other's rows only. */
async function waiters(): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    SELECT count(*)::int AS n FROM pg_locks
    WHERE NOT granted AND locktype = 'relation'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`.execute(book.db);
  return rows[0]?.n ?? 0;
}

/** Writers go on, and none of them waits for a table, while something is built that waits for an old snapshot. */
async function isNoticedByNobody(command: 'CREATE' | 'REINDEX'): Promise<void> {
  const pid = await waitsInBuild(book.db, command);
  for (let look = 0; look < 20; look++) {
    await passes(5);
    expect(await waiters()).toBe(0);
  }
  expect(await waitsInBuild(book.db, command)).toBe(pid);
}

it('writers do not notice that an index is built, be it never so long', async () => {
  const letGo = await holdSnapshot(book.db);
  const building = buildIndexFile(book.database.direct, EXAMPLE);
  await isNoticedByNobody('CREATE');
  await letGo();
  await building;
  await passes(20);
  await writers.stop();
  expect(await indexesLike(book.db, '%currency_idx')).not.toContainEqual(expect.stringContaining('INVALID'));
  expect(await brokenRules(book.db)).toEqual([]);
  // What was written meanwhile is in the index as it is in the table.
  const count = (...off: string[]) =>
    book.db.transaction().execute(async (trx) => {
      for (const scan of off) await sql.raw(`SET LOCAL enable_${scan} = off`).execute(trx);
      const { rows } = await sql<{ n: number }>`
        SELECT count(*)::int AS n FROM ledger.transactions
        WHERE ledger_id = ${book.ledger.id} AND currency = 'EUR'`.execute(trx);
      return rows[0]?.n;
    });
  expect(await count('seqscan', 'bitmapscan')).toBe(writers.count());
  expect(await count('indexscan', 'indexonlyscan', 'bitmapscan')).toBe(writers.count());
});

it('writers pass while the builder waits for one of them, which it does for a moment at a time', async () => {
  const written = Promise.withResolvers<void>();
  const wanted = Promise.withResolvers<void>();
  const slow = book.db.transaction().execute(async (trx) => {
    await sql`
      INSERT INTO ledger.transactions (ledger_id, created_at, id, status, currency, amount, account_ids)
      VALUES (99, date_trunc('milliseconds', now()), gen_random_uuid(), 'FAILED', 'EUR', 1, '{}')`.execute(
      trx,
    );
    written.resolve();
    await wanted.promise;
  });
  await written.promise;
  const blocked: string[] = [];
  const building = buildIndexFile(book.database.direct, EXAMPLE, {
    onBlocked: (relations, blockers, _attempt, waiting) => {
      if (blockers.length > 0) blocked.push(`${waiting} ${relations}`);
    },
  });
  for (let tries = 1; tries <= 3; tries++) {
    await expect.poll(() => blocked.length, { timeout: 20_000, interval: 10 }).toBeGreaterThanOrEqual(tries);
    await passes(20);
  }
  expect(new Set(blocked)).toEqual(new Set(['short ledger.transactions']));
  expect(await indexesLike(book.db, '%currency_idx')).toEqual([]);
  wanted.resolve();
  await slow;
  await building;
  expect(await indexesLike(book.db, '%currency_idx')).not.toContainEqual(expect.stringContaining('INVALID'));
});

it('writers do not notice that indexes are built anew', async () => {
  const letGo = await holdSnapshot(book.db);
  const limits = { ...thresholds, bloatShare: -1, bloatBytes: -1n };
  await sql.raw('ANALYZE').execute(book.database.direct);
  const working = reindex(book.database, { limits });
  await isNoticedByNobody('REINDEX');
  await letGo();
  const { indexes } = await working;
  expect(indexes.length).toBeGreaterThan(20);
  expect(indexes.filter(({ outcome }) => outcome !== 'rebuilt')).toEqual([]);
  await passes(20);
  await writers.stop();
  expect(await brokenRules(book.db)).toEqual([]);
});
