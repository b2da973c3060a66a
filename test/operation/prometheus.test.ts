import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { calendar } from '../../src/core/quarter.ts';
import { hasPrometheus } from '../support/prometheus.ts';
import { boardNames, everyExpression, readBoard, withoutVariables } from './boards.ts';
import { type Business, startBusiness } from './business.ts';
import { type Operation, startOperation } from './scraped.ts';

/** Panels and columns that may be empty while all is well. */
const quiet = [
  'Alerts that fire now A',
  'annotation Alerts',
  'Switched off by a setting A',
  'Requests that fail, by route A',
  'Errors by class A',
  'Statements tried again A',
  'Readings of the figures that failed A',
  'Lock waits given up, to be tried again A',
  'Who is in the way of maintenance A',
  'Schedules D',
  'Jobs in the queues A',
  'Jobs that run A',
  'Runs that failed, by job and kind A',
  'Taken over from a worker that died A',
  'A quarter is half detached for A',
  'Drift A',
  'Tables whose statistics are old A',
  'Indexes that want care A',
  'Steps that could have been taken A',
  'How overdue the steps were A',
];

const asked = boardNames.flatMap((name) => everyExpression(readBoard(name)));
const installed = await hasPrometheus();
let operation: Operation;
let business: Business;

describe.skipIf(!installed)('a Prometheus that scrapes an API and a worker', () => {
  beforeAll(async () => {
    operation = await startOperation();
    business = await startBusiness(operation, calendar('UTC').quarterOf(systemClock.now()).name);
  }, 240_000);
  afterAll(() => operation?.stop());

  it('reaches both', async () => {
    const reached = (process: string) =>
      operation.prometheus.query(
        `up * on (instance) group_left (process) quartermaster_build_info{process="${process}"} == 1`,
      );
    for (const process of ['api', 'worker'])
      await expect.poll(() => reached(process), { timeout: 10_000 }).toHaveLength(1);
  });

  it('takes every expression of the dashboards', async () => {
    expect(asked.length).toBeGreaterThan(90);
    // It refuses what it cannot evaluate, whatever there is to be found.
    for (const { expr } of asked) await operation.prometheus.query(withoutVariables(expr));
  });

  it('has an answer to each of them', { timeout: 120_000 }, async () => {
    let silent = asked.filter(({ where }) => !quiet.some((end) => where.endsWith(`: ${end}`)));
    const ask = async () => {
      // A rate is of two scrapes, between which something happened.
      await business.goOn();
      const answers = await Promise.all(
        silent.map(({ expr }) => operation.prometheus.query(withoutVariables(expr))),
      );
      silent = silent.filter((_, index) => answers[index]?.length === 0);
      return silent.map(({ where }) => where);
    };
    await expect.poll(ask, { timeout: 90_000, interval: 1000 }).toEqual([]);
  });

  it('was told what was done, and no more', async () => {
    const sum = async (name: string, matchers: string) =>
      (await operation.prometheus.query(`sum(quartermaster_${name}{${matchers}})`))[0]?.value;
    await expect
      .poll(
        async () => ({
          booked: await sum('posting_transactions_total', 'outcome="booked"'),
          refused: await sum('posting_transactions_total', 'outcome="refused",reason="insufficient_funds"'),
          repeated: await sum('posting_replays_total', ''),
          loaded: await sum('load_rows_total', 'outcome="booked"'),
        }),
        { timeout: 15_000 },
      )
      .toEqual(business.done);
  });

  it('evaluates every rule, and nobody is about to be woken while all is well', {
    timeout: 60_000,
  }, async () => {
    const { prometheus } = operation;
    const unknown = async () => (await prometheus.rules()).filter(({ health }) => health === 'unknown');
    await expect.poll(unknown, { timeout: 30_000 }).toEqual([]);
    const rules = await prometheus.rules();
    expect(rules.length).toBeGreaterThan(20);
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
    const stirred = rules.filter(({ state }) => state !== 'inactive');
    expect(stirred.flatMap(({ alerts = [] }) => alerts.map(({ annotations }) => annotations))).toEqual([]);
  });

  it('is answered while the database stands still', { timeout: 240_000 }, async () => {
    const { prometheus, api, worker } = operation;
    const now = async (expr: string) => (await prometheus.query(expr))[0]?.value ?? Number.NaN;
    const ready = () =>
      Promise.all([api, worker].map(async ({ url }) => (await fetch(`${url}/readyz`)).status));
    const age = 'max(quartermaster_database_figures_age_seconds)';
    await expect.poll(ready, { timeout: 30_000 }).toEqual([200, 200]);
    await expect.poll(() => now(age), { timeout: 30_000 }).toBeLessThan(30);
    const horizon = await now('max(quartermaster_horizon_seconds)');
    const start = await now('vector(time())');

    await operation.freeze();
    try {
      await expect.poll(ready, { timeout: 30_000 }).toEqual([503, 503]);
      await expect.poll(() => now(age), { timeout: 120_000, interval: 500 }).toBeGreaterThan(40);
      for (const { url } of [api, worker]) expect((await fetch(`${url}/healthz`)).status).toBe(200);
      const stalled = Math.ceil((await now('vector(time())')) - start);
      // A scrape has a second, so one that waits for the database fails.
      const within = `[${stalled}s]`;
      expect(await now('count(up)')).toBe(2);
      expect(await now(`min(avg_over_time(up${within}))`)).toBeGreaterThan(0.8);
      expect(await now(`max(quantile_over_time(0.5, scrape_duration_seconds${within}))`)).toBeLessThan(0.5);
      // What was read last is still told, and how old it is besides.
      expect(await now('max(quartermaster_horizon_seconds)')).toBeCloseTo(horizon, -3);
    } finally {
      await operation.thaw();
    }

    await expect.poll(ready, { timeout: 60_000 }).toEqual([200, 200]);
    await expect.poll(() => now(age), { timeout: 60_000, interval: 500 }).toBeLessThan(30);
    await business.goOn();
  });
});
