import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKey } from '../../src/ledger/keys.ts';
import { type Book, brokenRules, openBook } from '../ledger/fixture.ts';
import { hasPgBouncer, startPgBouncer } from '../support/pgbouncer.ts';
import { type Answer, type ApiProcess, call, startApi } from './api-process.ts';

const installed = await hasPgBouncer();

let book: Book;
let api: ApiProcess;
let token: string;
let stop: () => Promise<void>;

// Where it is not installed nothing is shown; .ci/run installs it.
describe.skipIf(!installed)(
  'behind PgBouncer in transaction mode, with fewer connections than callers',
  () => {
    beforeAll(async () => {
      book = await openBook();
      await book.ensureQuarters(new Date(), new Date(Date.now() + 3_600_000));
      ({ token } = await createKey(book.db, { name: 'test', roles: ['admin'], ledgers: null }));
      const pooler = await startPgBouncer(book.url, 3);
      stop = pooler.stop;
      api = await startApi({ QM_DATABASE_URL: pooler.url, QM_DIRECT_DATABASE_URL: book.url });
    }, 60_000);
    afterAll(async () => {
      api?.child.kill('SIGTERM');
      await api?.ended;
      await stop?.();
      await book?.close();
    });

    const ask = (
      method: string,
      path: string,
      body?: unknown,
      headers?: Record<string, string>,
    ): Promise<Answer> => call(api.url, token, method, `/v1/ledgers/main${path}`, body, headers);

    it('accounts are made, money is moved, held, settled and reversed by 32 at once, and all is read back', async () => {
      const accounts = ['a', 'b', 'c'].map((name) => ({ account: `${name}:WALLET`, currency: 'EUR' }));
      const bank = { account: 'bank:CASH', currency: 'EUR', min_balance: null };
      const made = await ask('POST', '/accounts/batch', { accounts: [bank, ...accounts] });
      expect(made.body.results.map(({ status }: { status: string }) => status)).toEqual(
        Array(4).fill('created'),
      );
      const pay = (from: string, to: string, amount: string, more: object = {}) => ({
        postings: [{ from, to, amount, currency: 'EUR' }],
        user_id: 'u',
        ...more,
      });
      const ids: string[] = [];
      await Promise.all(
        Array.from({ length: 32 }, async (_, number) => {
          for (let round = 0; round < 5; round++) {
            const key = { 'idempotency-key': `${number}-${round}` };
            const first = await ask('POST', '/transactions', pay('bank:CASH', 'a:WALLET', '10'), key);
            expect(first.status).toBe(201);
            const again = await ask('POST', '/transactions', pay('bank:CASH', 'a:WALLET', '10'), key);
            expect(again.headers.get('idempotency-replayed')).toBe('true');
            expect(again.body).toEqual(first.body);
            ids.push(first.body.id);
            const held = await ask(
              'POST',
              '/transactions',
              pay('a:WALLET', 'b:WALLET', '4', { status: 'PENDING' }),
            );
            const settled = await ask('POST', `/transactions/${held.body.id}/settle`, { amount: '3' });
            expect(settled.status).toBe(201);
            if (round > 0) continue;
            const mistaken = await ask('POST', '/transactions', pay('bank:CASH', 'c:WALLET', '1'));
            expect((await ask('POST', `/transactions/${mistaken.body.id}/reverse`)).status).toBe(201);
          }
        }),
      );
      expect(await brokenRules(book.db)).toEqual([]);
      const list = await ask('GET', '/transactions?user_id=u&limit=1000&include_total=true');
      expect(list.body.total).toEqual({ count: 384, exact: true });
      expect(list.body.transactions).toHaveLength(384);
      expect((await ask('GET', '/accounts/b:WALLET/balance')).body.posted).toBe('480');
      const statement = await ask('GET', '/accounts/b:WALLET/statement?from=2020-01-01&limit=1000');
      expect(statement.body).toMatchObject({ opening: '0', closing: '480' });
      expect(statement.body.entries ?? statement.body.lines).toHaveLength(160);
      const day = new Date().toISOString().slice(0, 10);
      const daily = await ask('GET', `/summaries/daily?from=${day}&to=${day}&group_by=day`);
      expect(daily.status).toBe(200);
      const one = await ask('GET', `/transactions/${ids[0]}`);
      expect(one.body.entries).toHaveLength(2);
    }, 60_000);
  },
);
