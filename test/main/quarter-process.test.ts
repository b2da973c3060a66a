import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { nextName } from '../../src/core/quarter.ts';
import { createKey } from '../../src/ledger/keys.ts';
import { openHouse } from '../jobs/desk-fixture.ts';
import { useQueueBench, whileWorking } from '../queue/harness.ts';
import { underRoles } from '../support/roles.ts';
import { call, startApi } from './api-process.ts';

const bench = useQueueBench({ migrated: true });

it('a quarter is created and closed through an API process, by a worker beside it', {
  timeout: 60_000,
}, async () => {
  const { house, jobs } = await openHouse(bench, {}, systemClock);
  const quarter = nextName(house.calendar.quarterOf(house.clock.now()).name, -1);
  const api = await startApi({ QM_DATABASE_URL: bench.url, QM_STORE: house.config.store });
  onTestFinished(async () => {
    api.child.kill('SIGTERM');
    await api.ended;
  });
  const { token } = await createKey(bench.database.write, { name: 'ada', roles: ['finance'], ledgers: null });
  const post = (verb: string, body?: object) =>
    call(api.url, token, 'POST', `/v1/quarters/${quarter}/${verb}`, body);
  const done = (location: string) =>
    whileWorking(house.queue, jobs, async () => {
      await expect.poll(async () => (await get(location)).body.state, { timeout: 30_000 }).toBe('done');
    });
  const get = (path: string) => call(api.url, token, 'GET', path);

  // Its role may create no tables, where it has one of its own.
  const created = await post('create');
  expect(created.body).toMatchObject(
    underRoles() ? { done: false } : { done: true, report: { state: 'open' } },
  );
  if (underRoles()) await done(created.headers.get('location') ?? '');
  const accepted = await post('close', { reason: 'the quarter is over' });
  expect(accepted.status).toBe(202);
  const location = accepted.headers.get('location') ?? '';
  await done(location);
  expect((await get(location)).body).toMatchObject({
    verb: 'close',
    actor: 'ada',
    reason: 'the quarter is over',
    report: { quarter, closed: true },
  });
  const { quarters } = (await get('/v1/quarters')).body;
  expect(quarters[0]).toMatchObject({ quarter, state: 'closed', transactions: 0 });
  expect((await get(`/v1/quarters/${quarter}`)).body.next).toMatchObject({ verb: 'archive' });
});
