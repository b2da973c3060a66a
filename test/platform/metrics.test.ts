import { describe, expect, it } from 'vitest';
import { createBlockedWatches } from '../../src/platform/blocked.ts';
import { catalogue, createMetrics } from '../../src/platform/metrics.ts';
import { samplesOf as samples } from './metrics-samples.ts';

describe('a page of metrics', () => {
  it('tells nothing of what has not happened yet', async () => {
    const { page } = createMetrics();
    expect(page.contentType).toMatch(/^text\/plain; version=0\.0\.4/);
    const first = await samples(page);
    // A counter starts at 0, so that its first step can be seen; a gauge that was not set is not there.
    expect(Object.entries(first).filter(([, value]) => value !== 0)).toEqual([]);
    expect(first).not.toHaveProperty('horizon_seconds');
    expect(first).toHaveProperty('fixity_failures_total');
  });

  it('replaces all series of a gauge at once', async () => {
    const metrics = createMetrics();
    metrics.replace('drift', [
      { labels: { code: 'a' }, value: 2 },
      { labels: { code: 'b' }, value: 1 },
    ]);
    metrics.replace('horizon_seconds', [{ labels: {}, value: 60 }]);
    expect(await samples(metrics.page)).toMatchObject({
      'drift{code="a"}': 2,
      'drift{code="b"}': 1,
      horizon_seconds: 60,
    });
    metrics.replace('drift', [{ labels: { code: 'b' }, value: 3 }]);
    metrics.replace('horizon_seconds', []);
    const later = await samples(metrics.page);
    expect(later['drift{code="b"}']).toBe(3);
    expect(later).not.toHaveProperty('drift{code="a"}');
    expect(later).not.toHaveProperty('horizon_seconds');
  });

  it('is brought up to date before it is rendered', async () => {
    const metrics = createMetrics();
    metrics.onPage(async () => metrics.set('horizon_seconds', {}, 7));
    expect(await samples(metrics.page)).toMatchObject({ horizon_seconds: 7 });
  });

  it('is made once for all who ask at once, and anew for who asks later', async () => {
    const metrics = createMetrics();
    const answer = Promise.withResolvers<void>();
    let looks = 0;
    metrics.onPage(async () => {
      looks++;
      await answer.promise;
    });
    const pages = [metrics.page.render(), metrics.page.render(), metrics.page.render()];
    answer.resolve();
    expect(new Set(await Promise.all(pages)).size).toBe(1);
    expect(looks).toBe(1);
    await metrics.page.render();
    expect(looks).toBe(2);
  });

  it('is tried anew after it failed', async () => {
    const metrics = createMetrics();
    let isBroken = true;
    metrics.onPage(() => {
      if (isBroken) throw new Error('broken');
    });
    await expect(metrics.page.render()).rejects.toThrow('broken');
    isBroken = false;
    expect(await metrics.page.render()).toContain('quartermaster_build_info');
  });

  it('has names in base units, without those that Prometheus gives by itself', () => {
    for (const [name, { kind, labels, help, question }] of Object.entries(catalogue)) {
      expect(name.endsWith('_total'), name).toBe(kind === 'counter');
      expect(name).not.toMatch(/_(ms|milliseconds|minutes|hours|days|kb|mib|percent)$/);
      expect(labels).not.toContain('job');
      expect(labels).not.toContain('instance');
      expect(help, name).toMatch(/\.$/);
      expect(question, name).toMatch(/\?$/);
    }
  });
});

describe('who is in the way of maintenance', () => {
  function open() {
    const clock = { at: Date.parse('2026-05-05T12:00:00Z'), now: () => new Date(clock.at) };
    const metrics = createMetrics();
    return { clock, page: metrics.page, watchBlocked: createBlockedWatches(metrics, clock) };
  }

  it('is told by table, as long as somebody is', async () => {
    const { page, clock, watchBlocked } = open();
    const gauge = 'blocked_by_age_seconds{relation="ledger.transactions"}';
    const [one, other] = [watchBlocked(), watchBlocked()];
    one.onBlocked(
      ['ledger.transactions', 'ledger.transactions_2024q1'],
      [
        { pid: 1, transactionAge: 9 },
        { pid: 2, transactionAge: 2 },
      ],
      1,
      'long',
    );
    other.onBlocked(['ledger.transactions_2024q2'], [{ pid: 3, transactionAge: 120 }], 1, 'short');
    expect(await samples(page)).toMatchObject({
      [gauge]: 120,
      'lock_timeouts_total{relation="ledger.transactions"}': 1,
    });
    other.done();
    expect((await samples(page))[gauge]).toBe(9);
    clock.at += 10_001;
    expect((await samples(page))[gauge]).toBeUndefined();
    one.onBlocked(['ledger.entries'], [], 2, 'long');
    expect((await samples(page))['blocked_by_age_seconds{relation="ledger.entries"}']).toBe(0);
    one.done();
    expect(Object.keys(await samples(page)).filter((name) => name.includes('blocked_by'))).toEqual([]);
  });

  it('is known again by the next piece of work, whose server does not tell how old it is', async () => {
    const { page, clock, watchBlocked } = open();
    const gauge = 'blocked_by_age_seconds{relation="ledger.entries"}';
    const seen = async (transaction: string) => {
      const watch = watchBlocked();
      watch.onBlocked(['ledger.entries'], [{ pid: 7, transaction, transactionAge: 0 }], 1, 'short');
      const age = (await samples(page))[gauge];
      watch.done();
      return age;
    };
    expect(await seen('4/11')).toBe(0);
    clock.at += 700_000;
    expect(await seen('4/11')).toBe(700);
    // The same session has ended that one.
    expect(await seen('4/12')).toBe(0);
    clock.at += 7_200_001;
    expect(await seen('4/11')).toBe(0);
  });

  it('has as many series as there are tables, however many partitions and strange names there are', async () => {
    const { page, watchBlocked } = open();
    for (let i = 1000; i < 1100; i++) {
      const names = [`ledger.entries_${i}q1`, `public.made_elsewhere_${i}`, `ledger.entries_${i}q1_old`];
      watchBlocked().onBlocked(names, [], 1, 'short');
    }
    const found = Object.entries(await samples(page)).filter(([name]) => name.includes('lock_timeouts'));
    expect(found).toEqual([
      ['lock_timeouts_total{relation="ledger.transactions"}', 0],
      ['lock_timeouts_total{relation="ledger.entries"}', 100],
      ['lock_timeouts_total{relation="other"}', 100],
    ]);
  });
});
