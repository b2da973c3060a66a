import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fixedClock } from '../../src/core/clock.ts';
import { calendar } from '../../src/core/quarter.ts';
import type { Figures } from '../../src/db/figures.ts';
import { createFigures } from '../../src/main/figures.ts';
import { readConfig } from '../../src/platform/config.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { createMetrics } from '../../src/platform/metrics.ts';
import { emptyFigures, figureOf } from './figures-support.ts';

/** A collector whose readings end when the test says so. */
function collector(timing = { everyMs: 1, giveUpMs: 60_000 }) {
  const metrics = createMetrics();
  const readings: (PromiseWithResolvers<Figures> & { readonly signal: AbortSignal })[] = [];
  const waiting: (() => void)[] = [];
  const service = createFigures(
    {
      metrics,
      logger: createLogger('silent'),
      clock: fixedClock('2026-05-05T12:00:00Z'),
      calendar: calendar('UTC'),
      config: readConfig({ QM_DATABASE_URL: 'postgres://nowhere/none' }),
      jobs: [{ name: 'often', schedule: '*/5 * * * *' }, { name: 'close' }],
    },
    (signal) => {
      const reading = { ...Promise.withResolvers<Figures>(), signal };
      readings.push(reading);
      for (const go of waiting.splice(0)) go();
      return reading.promise;
    },
    timing,
  );
  let stopped = false;
  const stop = async () => {
    if (!stopped) await service.stop();
    stopped = true;
  };
  onTestFinished(stop);
  return {
    service,
    stop,
    readings,
    page: () => metrics.page.render(),
    /** Waits until so many readings were begun. */
    async begun(count: number) {
      while (readings.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
    },
  };
}

describe('the figures of the database', () => {
  it('are on no page before they have been read, and nobody waits for them', async () => {
    const { service, page, readings, begun } = collector();
    await service.start();
    await begun(1);
    const before = await page();
    for (const name of [
      'horizon_seconds',
      'database_figures_age_seconds',
      'partitions',
      'schedule_interval_seconds',
    ])
      expect(before).not.toMatch(new RegExp(`^quartermaster_${name}[{ ]`, 'm'));
    readings[0]?.resolve(emptyFigures({ summaries: { days: 3, seconds: 60 } }));
    await begun(2);
    const after = await page();
    expect(figureOf(after, 'summaries_marked')).toBe(3);
    expect(figureOf(after, 'horizon_seconds')).toBe(0);
    expect(figureOf(after, 'schedule_interval_seconds{job_name="often"}')).toBe(300);
    expect(after).not.toContain('schedule_interval_seconds{job_name="close"}');
  });

  it('are read once, whoever asks and however often', async () => {
    const { service, page, readings, begun } = collector({ everyMs: 3_600_000, giveUpMs: 60_000 });
    await service.start();
    await begun(1);
    await Promise.all(Array.from({ length: 100 }, page));
    readings[0]?.resolve(emptyFigures());
    await turn();
    const pages = await Promise.all(Array.from({ length: 200 }, page));
    expect(new Set(pages.map((text) => figureOf(text, 'summaries_marked')))).toEqual(new Set([0]));
    expect(readings).toHaveLength(1);
  });

  it('stay with their age while a reading hangs, and the next one waits until it is given up', async () => {
    const { service, page, readings, begun } = collector({ everyMs: 1, giveUpMs: 200 });
    await service.start();
    await begun(1);
    readings[0]?.resolve(emptyFigures({ summaries: { days: 3, seconds: 60 } }));
    await begun(2);
    const early = await page();
    expect(figureOf(early, 'database_figures_failures_total')).toBe(0);
    // The second hangs until it is told to end, and then nobody waits for it; so does the third.
    await begun(4);
    expect(readings[1]?.signal.aborted).toBe(true);
    const late = await page();
    expect(figureOf(late, 'summaries_marked')).toBe(3);
    expect(figureOf(late, 'database_figures_failures_total')).toBe(2);
    const aged =
      figureOf(late, 'database_figures_age_seconds') - figureOf(early, 'database_figures_age_seconds');
    expect(aged).toBeGreaterThan(0.35);
    const lag = figureOf(late, 'summaries_lag_seconds') - figureOf(early, 'summaries_lag_seconds');
    expect(lag).toBeCloseTo(aged, 5);
    readings[3]?.resolve(emptyFigures({ summaries: { days: 0, seconds: 0 } }));
    await begun(5);
    const fresh = await page();
    expect(figureOf(fresh, 'summaries_marked')).toBe(0);
    expect(figureOf(fresh, 'summaries_lag_seconds')).toBe(0);
    expect(figureOf(fresh, 'database_figures_age_seconds')).toBeLessThan(aged);
  });

  it('stay when a reading fails, which is counted', async () => {
    const { service, page, readings, begun } = collector();
    await service.start();
    await begun(1);
    readings[0]?.resolve(emptyFigures({ summaries: { days: 3, seconds: 60 } }));
    await begun(2);
    readings[1]?.reject(new Error('gone'));
    await begun(3);
    const text = await page();
    expect(figureOf(text, 'summaries_marked')).toBe(3);
    expect(figureOf(text, 'database_figures_failures_total')).toBe(1);
  });

  it('that this version cannot show keep nothing else from the page, and are counted as failed', async () => {
    const { service, page, readings, begun } = collector();
    await service.start();
    await begun(1);
    const { queues: _, ...strange } = emptyFigures();
    readings[0]?.resolve(strange as Figures);
    await begun(2);
    const text = await page();
    expect(figureOf(text, 'database_figures_failures_total')).toBe(1);
    expect(text).toContain('quartermaster_process_cpu_seconds_total');
  });

  it('are read no more after a stop, which waits for no reading', async () => {
    const { service, stop, readings, begun, page } = collector();
    await service.start();
    await begun(1);
    await stop();
    expect(readings[0]?.signal.aborted).toBe(true);
    await turn();
    expect(readings).toHaveLength(1);
    expect(figureOf(await page(), 'database_figures_failures_total')).toBe(0);
  });
});
