import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createKey } from '../../src/ledger/keys.ts';
import { type Book, brokenRules, openBook } from '../ledger/fixture.ts';
import { type ApiProcess, call, startApi } from './api-process.ts';

let book: Book;
let token: string;
beforeAll(async () => {
  book = await openBook();
  await book.ensureQuarters(new Date(), new Date(Date.now() + 3_600_000));
  await book.open(
    { address: 'bank:CASH', currency: 'EUR', minBalance: null },
    { address: 'till:CASH', currency: 'EUR', minBalance: 0n },
  );
  ({ token } = await createKey(book.db, { name: 'test', roles: ['writer'], ledgers: null }));
});
afterAll(() => book.close());

it('an API killed again and again books once what clients repeat blindly until they have an answer', async () => {
  const environment = { QM_DATABASE_URL: book.url };
  let api: ApiProcess = await startApi(environment);
  const port = Number(new URL(api.url).port);
  const clients = 16;
  const each = 25;
  let answered = 0;
  let repeated = 0;

  async function client(number: number): Promise<string[]> {
    const ids: string[] = [];
    for (let n = 0; n < each; n++) {
      const posting = { from: 'bank:CASH', to: 'till:CASH', amount: '1', currency: 'EUR' };
      for (let tries = 0; ; tries++) {
        const answer = await call(
          api.url,
          token,
          'POST',
          '/v1/ledgers/main/transactions',
          { postings: [posting], reference_code: `${number}-${n}` },
          { 'idempotency-key': `client-${number}-${n}` },
        ).catch(() => undefined);
        if (answer?.status === 201) {
          if (tries > 0) repeated++;
          ids.push(answer.body.id);
          answered++;
          break;
        }
        if (answer && answer.status < 500 && answer.status !== 409) {
          throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
        }
        await delay(100);
      }
    }
    return ids;
  }

  const running = Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
  for (let kills = 1; kills <= 4; kills++) {
    const goal = (kills * clients * each) / 5;
    while (answered < goal) await delay(1);
    api.child.kill('SIGKILL');
    await api.ended;
    api = await startApi(environment, port);
  }
  const ids = (await running).flat();
  api.child.kill('SIGTERM');
  await api.ended;

  expect(new Set(ids).size).toBe(clients * each);
  expect(repeated).toBeGreaterThan(0);
  const { rows } = await sql<{ transactions: bigint; references: bigint; till: bigint }>`
    SELECT count(*) AS transactions, count(DISTINCT reference_code) AS references,
           (SELECT posted FROM ledger.balances AS b JOIN ledger.accounts AS a ON a.id = b.account_id
            WHERE a.entity_id = 'till') AS till
    FROM ledger.transactions`.execute(book.db);
  const all = BigInt(clients * each);
  expect(rows).toEqual([{ transactions: all, references: all, till: all }]);
  expect(await brokenRules(book.db)).toEqual([]);
}, 120_000);
