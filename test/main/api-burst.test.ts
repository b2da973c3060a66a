import { sql } from 'kysely';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { createKey } from '../../src/ledger/keys.ts';
import { createLedger } from '../../src/ledger/ledgers.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { openHouse } from '../jobs/desk-fixture.ts';
import { useQueueBench, whileWorking } from '../queue/harness.ts';
import { call, startApi } from './api-process.ts';

const bench = useQueueBench({ migrated: true });

it('a burst through an API process has the summaries refreshed by a worker beside it, without a schedule', {
  timeout: 60_000,
}, async () => {
  const db = bench.database.write;
  const { house, jobs } = await openHouse(bench, {}, systemClock);
  await createLedger(db, 'main');
  const now = house.clock.now();
  await ensureQuarters(house.quarters, { actor: 'test' }, now, now);
  const api = await startApi({ QM_DATABASE_URL: bench.url, QM_STORE: house.config.store });
  onTestFinished(async () => {
    api.child.kill('SIGTERM');
    await api.ended;
  });
  const { token } = await createKey(db, { name: 'ada', roles: ['admin'], ledgers: null });
  const path = '/v1/ledgers/main';
  for (const [account, min_balance] of [
    ['bank:BANK', null],
    ['ann:WALLET', '0'],
  ] as const)
    expect(
      (await call(api.url, token, 'POST', `${path}/accounts`, { account, currency: 'EUR', min_balance }))
        .status,
    ).toBe(201);
  const payment = { postings: [{ from: 'bank:BANK', to: 'ann:WALLET', amount: '5', currency: 'EUR' }] };
  const requested = async () => {
    const { rows } = await sql<{ state: string }>`
      SELECT state::text FROM pgboss.job WHERE name = 'refresh-summaries'`.execute(db);
    return rows.map(({ state }) => state);
  };
  const post = (transactions: number) =>
    call(api.url, token, 'POST', `${path}/transactions/batch`, {
      transactions: Array.from({ length: transactions }, () => payment),
    });
  expect((await post(400)).status).toBe(200);
  expect(await requested()).toEqual([]);
  await Promise.all([post(400), post(400)]);
  await expect.poll(requested, { timeout: 20_000 }).toEqual(['created']);
  const withoutSchedule = jobs.map(({ schedule: _, ...job }) => job);
  await whileWorking(house.queue, withoutSchedule, async () => {
    await expect.poll(requested, { timeout: 30_000 }).toEqual(['completed']);
  });
  const { body } = await call(api.url, token, 'GET', '/v1/summaries');
  expect(body).toMatchObject({ refreshed_at: expect.any(String), ledgers: [{ ledger: 'main', days: 0 }] });
  const { rows } = await sql`SELECT sum(transaction_count)::int AS n FROM ledger.daily_totals`.execute(db);
  expect(rows).toEqual([{ n: 1200 }]);
});
