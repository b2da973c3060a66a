import { afterAll, beforeAll, expect, it } from 'vitest';
import { createJob } from '../../jobs/create.ts';
import { createDefiner } from '../../jobs/define.ts';
import type { JobHouse } from '../../jobs/house.ts';
import { AppError } from '../../src/core/errors.ts';
import type { Database } from '../../src/db/database.ts';
import type { RoleKey } from '../../src/db/grants.ts';
import { createLogger } from '../../src/platform/logger.ts';
import type { Job } from '../../src/queue/job.ts';
import { quarterLine } from '../../src/queue/quarter-line.ts';
import { createQueue } from '../../src/queue/queue.ts';
import { openHouse } from '../quarters/support.ts';
import { whileWorking } from '../queue/harness.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let home: TestDatabase;
const open: Database[] = [];

beforeAll(async () => {
  home = await createDatabase({ roles: true });
});
afterAll(async () => {
  for (const database of open) await database.close();
  await home.drop();
});

/** A process of that role, as far as this needs one. */
function houseOf(role: RoleKey): JobHouse {
  const quarters = openHouse(home.as(role), { premake: 4, oldest: '2020-01-01T00:00:00Z' });
  const { database } = quarters;
  open.push(database);
  const logger = createLogger('silent');
  const queue = createQueue({ db: database.write, url: home.as(role), zone: 'UTC', logger, pollEvery: 0.5 });
  return { database, quarters, queue } as JobHouse;
}

const run = { actor: 'load' };
const day = (text: string) => new Date(`${text}T12:00:00Z`);

it('a process whose role defines no tables waits for a worker, and says so when none comes', async () => {
  const definer = createDefiner(houseOf('api'), { within: 0.3, every: 0.05 });
  expect(await definer.mayDefine()).toBe(false);
  await expect(definer.ensure(run, day('2026-02-02'), day('2026-02-02'))).rejects.toMatchObject({
    kind: 'unavailable',
    code: 'no_worker',
    detail: expect.stringContaining('2026q1 is missing'),
  });
  const stop = AbortSignal.abort();
  await expect(
    definer.ensure({ ...run, signal: stop }, day('2026-02-02'), day('2026-02-02')),
  ).rejects.toMatchObject({ kind: 'aborted', code: 'aborted' });
});

it('what it asked for is there when a worker has come, and is asked for once', async () => {
  const worker = houseOf('worker');
  const definer = createDefiner(houseOf('api'));
  await whileWorking(worker.queue, [createJob(worker) as never], async () => {
    const asked = ['2026-02-02', '2026-08-08', '2026-02-03'].map((text) =>
      definer.ensure(run, day(text), day(text)),
    );
    expect((await Promise.all(asked)).flatMap(({ notOpen }) => notOpen)).toEqual([]);
    expect(await definer.ensure(run, day('2026-02-02'), day('2026-08-08'))).toEqual({
      created: [],
      notOpen: [],
    });
    // What is wrong with it is said in the worker's words, and what needs no worker without one.
    await expect(definer.ensure(run, day('2019-02-02'), day('2019-02-02'))).rejects.toMatchObject({
      kind: 'refused',
      code: 'before_oldest',
    });
    await expect(definer.ensure(run, day('2031-02-02'), day('2031-02-02'))).rejects.toMatchObject({
      code: 'beyond_horizon',
    });
  });
});

it('a step that failed is taken out of the way of another one by who asks for that, the API as well', async () => {
  const { database, queue } = houseOf('api');
  const steps = async () =>
    (await queue.quarters.steps(database.write, '2019q1')).map(({ verb, state }) => `${verb} ${state}`);
  expect(await steps()).toEqual(['create failed']);
  await database.write
    .transaction()
    .execute((trx) => queue.quarters.request(trx, { verb: 'close', quarter: '2019q1', actor: 'ada' }));
  expect(await steps()).toEqual(['close waiting']);
});

it('of a quarter that is there nothing is asked, which would take a failed step out of its line', async () => {
  const [worker, api] = [houseOf('worker'), houseOf('api')];
  const definer = createDefiner(api);
  const refused: Job = {
    name: 'close',
    queue: quarterLine,
    handle: async () => {
      throw new AppError('refused', 'not_due', 'Not yet.');
    },
  };
  const { quarters } = api.queue;
  const steps = async () =>
    (await quarters.steps(api.database.write, '2026q1')).map(({ verb, state }) => `${verb} ${state}`);
  await whileWorking(worker.queue, [createJob(worker) as never, refused], async () => {
    await definer.ensure(run, day('2026-02-02'), day('2026-02-02'));
    await api.database.write
      .transaction()
      .execute((trx) => quarters.request(trx, { verb: 'close', quarter: '2026q1', actor: 'ada' }));
    await expect.poll(steps, { timeout: 20_000 }).toEqual(['close failed']);
    expect(await definer.ensure(run, day('2025-11-11'), day('2026-02-02'))).toEqual({
      created: ['2025q4'],
      notOpen: [],
    });
  });
  expect(await steps()).toEqual(['close failed']);
});

it('a process that may define tables needs no worker', async () => {
  const definer = createDefiner(houseOf('worker'));
  expect(await definer.mayDefine()).toBe(true);
  const { created } = await definer.ensure(run, day('2025-02-02'), day('2025-02-02'));
  expect(created).toContain('2025q1');
});
