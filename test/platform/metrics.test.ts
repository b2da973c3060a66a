import { expect, it } from 'vitest';
import { createMetrics } from '../../src/platform/metrics.ts';

/** The samples of a page by name and labels. */
async function samples(page: { render(): Promise<string> }): Promise<Record<string, number>> {
  const lines = (await page.render()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(lines.map((line) => [line.replace(/ \S+$/, ''), Number(/\S+$/.exec(line)?.[0])]));
}

/** A process's metrics, under a clock that is set by hand. */
function open() {
  const clock = { at: Date.parse('2026-05-05T12:00:00Z'), now: () => new Date(clock.at) };
  return { clock, ...createMetrics({ version: '1.2.3', clock }) };
}

it('tells the version, and nothing of what has not happened yet', async () => {
  const { page } = open();
  expect(page.contentType).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(await samples(page)).toEqual({
    'quartermaster_build_info{version="1.2.3"}': 1,
    quartermaster_fixity_failures_total: 0,
    quartermaster_summary_differences_total: 0,
  });
});

it('tells who is in the way of a table, as long as somebody is', async () => {
  const { page, clock, watchBlocked } = open();
  const gauge = 'quartermaster_blocked_by_age_seconds{relation="ledger.transactions"}';
  const [one, other] = [watchBlocked(), watchBlocked()];
  one.onBlocked(
    ['ledger.transactions', 'ledger.transactions_2024q1'],
    [{ transactionAge: 9 }, { transactionAge: 2 }],
    1,
    'long',
  );
  other.onBlocked(['ledger.transactions_2024q2'], [{ transactionAge: 120 }], 1, 'short');
  expect(await samples(page)).toMatchObject({
    [gauge]: 120,
    'quartermaster_lock_timeouts_total{relation="ledger.transactions"}': 1,
  });
  other.done();
  expect((await samples(page))[gauge]).toBe(9);
  clock.at += 10_001;
  expect((await samples(page))[gauge]).toBeUndefined();
  one.onBlocked(['ledger.entries'], [], 2, 'long');
  expect((await samples(page))['quartermaster_blocked_by_age_seconds{relation="ledger.entries"}']).toBe(0);
  one.done();
  expect(Object.keys(await samples(page)).filter((name) => name.includes('blocked'))).toEqual([]);
});

it('has as many series as there are tables, however many partitions and strange names there are', async () => {
  const { page, watchBlocked } = open();
  for (let i = 1000; i < 1100; i++) {
    const names = [`ledger.entries_${i}q1`, `public.made_elsewhere_${i}`, `ledger.entries_${i}q1_old`];
    watchBlocked().onBlocked(names, [], 1, 'short');
  }
  const found = Object.entries(await samples(page)).filter(([name]) => name.includes('lock_timeouts'));
  expect(found).toEqual([
    ['quartermaster_lock_timeouts_total{relation="ledger.entries"}', 100],
    ['quartermaster_lock_timeouts_total{relation="other"}', 100],
  ]);
});

it('tells how long writes are safe, at the time it is asked, and what the last reconcile found', async () => {
  const { page, clock, reconciled } = open();
  const horizon = new Date('2026-05-05T13:00:00Z');
  reconciled({ horizon, drift: [{ code: 'a' }, { code: 'a' }, { code: 'b' }] });
  expect(await samples(page)).toMatchObject({
    quartermaster_horizon_seconds: 3600,
    'quartermaster_drift{code="a"}': 2,
    'quartermaster_drift{code="b"}': 1,
  });
  clock.at += 7_200_000;
  reconciled({ horizon, drift: [] });
  const later = await samples(page);
  expect(later.quartermaster_horizon_seconds).toBe(-3600);
  expect(Object.keys(later).filter((name) => name.includes('drift'))).toEqual([]);
});

it('counts steps and damaged archives', async () => {
  const { page, quarterJob, fixityFailed } = open();
  quarterJob('close', 'done');
  quarterJob('close', 'busy');
  quarterJob('close', 'done');
  fixityFailed();
  expect(await samples(page)).toMatchObject({
    'quartermaster_quarter_jobs_total{verb="close",outcome="done"}': 2,
    'quartermaster_quarter_jobs_total{verb="close",outcome="busy"}': 1,
    quartermaster_fixity_failures_total: 1,
  });
});
