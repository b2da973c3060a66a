import { createHash, randomInt } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { createAccountCache } from '../../src/ledger/accounts.ts';
import { createPoster } from '../../src/ledger/post.ts';
import type { PostRequest } from '../../src/ledger/request.ts';
import { openCuttingProxy } from '../support/cutting-proxy.ts';
import { type Book, brokenRules, openBook } from './fixture.ts';

let book: Book;
beforeAll(async () => {
  book = await openBook();
  await book.ensureQuarters(new Date(), new Date(Date.now() + 3_600_000));
});
afterAll(() => book.close());

function transfer(from: string, to: string, amount: bigint, key?: string): PostRequest {
  const request = { postings: [{ from, to, amount, currency: 'EUR' }] };
  if (key === undefined) return request;
  const fingerprint = createHash('sha256').update(`${key} ${from} ${to} ${amount}`).digest();
  return { ...request, idempotency: { key, fingerprint } };
}

async function numbers(
  query: ReturnType<typeof sql<Record<string, bigint>>>,
): Promise<Record<string, bigint>> {
  return (await query.execute(book.db)).rows[0] ?? {};
}

it('sixteen posters over three accounts neither deadlock, nor overdraw, nor lose an entry', async () => {
  const names = ['x:HOT', 'y:HOT', 'z:HOT'];
  await book.open(
    { address: 'source:HOT', currency: 'EUR', minBalance: null },
    ...names.map((address) => ({ address, currency: 'EUR', minBalance: 0n })),
  );
  await book.poster.post(
    book.ledger.id,
    names.map((name) => transfer('source:HOT', name, 500n)),
  );

  const database = openDatabase({ databaseUrl: book.url, poolMax: 16 });
  let created = 3;
  let refused = 0;
  let replayed = 0;
  const harmless = ['insufficient_funds', 'same_account'];
  const pick = () => names[randomInt(3)] as string;
  async function work(worker: number): Promise<void> {
    const poster = createPoster({
      db: database.write,
      calendar: book.calendar,
      accounts: createAccountCache(),
    });
    for (let round = 0; round < 12; round++) {
      // Keys are shared between posters, in whatever order, and always for the same request.
      const shared = Array.from({ length: randomInt(4) }, () => {
        const n = randomInt(60);
        return transfer(
          names[n % 3] as string,
          names[(n + 1) % 3] as string,
          BigInt(1 + (n % 7)),
          `shared-${n}`,
        );
      });
      const own = Array.from({ length: 1 + randomInt(12) }, () =>
        transfer(pick(), pick(), BigInt(1 + randomInt(400))),
      );
      const requests = [...shared, ...own].sort(() => randomInt(3) - 1);
      for (const result of await poster.post(book.ledger.id, requests)) {
        if (result.kind === 'created') created++;
        else if (result.kind === 'replayed') replayed++;
        else if (harmless.includes(result.error.code)) refused++;
        else throw new Error(`poster ${worker} was refused`, { cause: result.error });
      }
    }
  }
  try {
    await Promise.all(Array.from({ length: 16 }, (_, worker) => work(worker)));
  } finally {
    await database.close();
  }
  expect(await brokenRules(book.db)).toEqual([]);
  expect(Math.min(created, refused, replayed)).toBeGreaterThan(0);
  const written = await numbers(sql`
    SELECT (SELECT count(*) FROM ledger.transactions) AS transactions, (SELECT count(*) FROM ledger.entries) AS entries,
           (SELECT count(*) FROM ledger.idempotency_keys) AS keys,
           (SELECT count(DISTINCT transaction_id) FROM ledger.idempotency_keys) AS keyed`);
  expect(written.transactions).toBe(BigInt(created));
  expect(written.entries).toBe(2n * BigInt(created));
  expect(written.keyed).toBe(written.keys);
  // A deadlock would have been retried in silence. The sessions have ended, so what they counted is to be seen.
  const { deadlocks } = await numbers(
    sql`SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`,
  );
  expect(deadlocks).toBe(0n);
});

it('a connection cut as it commits costs nothing when every request has a key', async () => {
  await book.open(
    { address: 'cut-a:CASH', currency: 'EUR', minBalance: null },
    { address: 'cut-b:CASH', currency: 'EUR', minBalance: 0n },
  );
  const proxy = await openCuttingProxy(book.url);
  const database = openDatabase({ databaseUrl: proxy.url, poolMax: 2 });
  const poster = createPoster({
    db: database.write,
    calendar: book.calendar,
    accounts: createAccountCache(),
  });
  const balance = async () =>
    (
      await numbers(sql`SELECT posted FROM ledger.balances AS b JOIN ledger.accounts AS a ON a.id = b.account_id
                       WHERE a.entity_id = 'cut-b'`)
    ).posted;
  try {
    proxy.cutNextCommit('after');
    const keyed = transfer('cut-a:CASH', 'cut-b:CASH', 5n, 'cut-after');
    const [committed] = await poster.post(book.ledger.id, [keyed]);
    // It was booked by the first attempt, so the second one finds it under its key.
    expect(committed?.kind).toBe('replayed');
    expect(await balance()).toBe(5n);

    proxy.cutNextCommit('before');
    const [again] = await poster.post(book.ledger.id, [
      transfer('cut-a:CASH', 'cut-b:CASH', 5n, 'cut-before'),
    ]);
    expect(again?.kind).toBe('created');
    expect(await balance()).toBe(10n);

    for (const [when, expected] of [
      ['after', 15n],
      ['before', 15n],
    ] as const) {
      proxy.cutNextCommit(when);
      await expect(
        poster.post(book.ledger.id, [
          transfer('cut-a:CASH', 'cut-b:CASH', 5n),
          transfer('cut-a:CASH', 'cut-b:CASH', 0n),
        ]),
      ).rejects.toMatchObject({ kind: 'unavailable', code: 'outcome_unknown' });
      expect(await balance()).toBe(expected);
    }
    expect(proxy.cuts).toBe(4);
  } finally {
    await database.close();
    await proxy.close();
  }
  expect(await brokenRules(book.db)).toEqual([]);
});

it('a session that sits on a balance holds a batch up for seconds, not for ever, and the batch is booked after it', async () => {
  await book.open({ address: 'stuck:CASH', currency: 'EUR', minBalance: null });
  const release = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const sitting = book.db.transaction().execute(async (trx) => {
    await sql`SELECT FROM ledger.balances FOR UPDATE`.execute(trx);
    held.resolve();
    await release.promise;
  });
  await held.promise;
  const posting = book.poster.post(book.ledger.id, [transfer('stuck:CASH', 'source:HOT', 1n)]);
  // The first wait ends by itself: the session is seen to wait, and later seen to wait anew.
  const waits = async () =>
    (
      await sql<{ since: Date }>`
        SELECT xact_start AS since FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND xact_start IS NOT NULL AND datname = current_database()`.execute(
        book.db,
      )
    ).rows[0]?.since.getTime();
  const seen = new Set<number>();
  while (seen.size < 2) {
    const since = await waits();
    if (since !== undefined) seen.add(since);
  }
  release.resolve();
  await sitting;
  expect((await posting).map(({ kind }) => kind)).toEqual(['created']);
}, 20_000);
