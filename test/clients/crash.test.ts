import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { createKey } from '../../src/ledger/keys.ts';
import { type Book, brokenRules, openBook } from '../ledger/fixture.ts';
import { type ApiProcess, startApi } from '../main/api-process.ts';
import { clientOf, hurried, openProxy, quick } from './house.ts';

let book: Book;
let key: string;
beforeAll(async () => {
  book = await openBook();
  await book.ensureQuarters(new Date(), new Date(Date.now() + 3_600_000));
  await book.open(
    { address: 'bank:CASH', currency: 'EUR', minBalance: null },
    { address: 'till:CASH', currency: 'EUR', minBalance: 0n },
  );
  ({ token: key } = await createKey(book.db, { name: 'test', roles: ['writer'], ledgers: null }));
});
afterAll(() => book.close());

it('an API killed each time it has done the work and before it answers does everything once', async () => {
  const environment = { QM_DATABASE_URL: book.url };
  let api: ApiProcess = await startApi(environment);
  const port = Number(new URL(api.url).port);
  let starting: Promise<unknown> = Promise.resolve();
  onTestFinished(async () => {
    await starting;
    api.child.kill('SIGKILL');
    await api.ended;
  });
  const proxy = await openProxy(() => `http://127.0.0.1:${port}`);
  const killed = async () => {
    api.child.kill('SIGKILL');
    await api.ended;
    // While it is down nothing answers, which the client has to live through.
    starting = startApi(environment, port).then((started) => {
      api = started;
      back?.();
    });
  };
  let back: (() => void) | undefined;
  const { api: client, sent } = clientOf(proxy.url, {
    key,
    fetch: hurried,
    retry: { ...quick, tries: 1_000_000, firstDelay: 50, longestDelay: 200, within: 60_000 },
  });

  const post = (reference: string) => ({
    postings: [{ from: 'bank:CASH', to: 'till:CASH', amount: 10n, currency: 'EUR' }],
    reference_code: reference,
  });
  const dying = async <T>(call: () => Promise<T>): Promise<T> => {
    const returned = new Promise<void>((resolve) => {
      back = resolve;
    });
    const before = sent.length;
    proxy.cutNextAnswer(killed);
    const [answer] = await Promise.all([call(), returned]);
    expect(sent.length).toBeGreaterThan(before + 1);
    return answer;
  };

  const one = await dying(() => client.transactions.post('main', post('one')));
  expect(one.replayed).toBe(true);
  const two = await dying(() => client.transactions.postBatch('main', [post('two'), post('three')]));
  expect(two.results).toMatchObject([{ status: 'replayed' }, { status: 'replayed' }]);
  const back1 = await dying(() => client.transactions.reverse('main', one.transaction.id));
  expect(back1).toMatchObject({ replayed: true, transaction: { reverses: one.transaction.id } });
  expect(proxy.cuts).toBe(3);

  const { rows } = await sql<{ transactions: bigint; till: bigint }>`
    SELECT count(*) AS transactions,
           (SELECT posted FROM ledger.balances AS b JOIN ledger.accounts AS a ON a.id = b.account_id
            WHERE a.entity_id = 'till') AS till
    FROM ledger.transactions`.execute(book.db);
  expect(rows).toEqual([{ transactions: 4n, till: 20n }]);
  expect(await brokenRules(book.db)).toEqual([]);
}, 120_000);
