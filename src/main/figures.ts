import { setTimeout as delay } from 'node:timers/promises';
import type { QuarterPolicy } from '../../jobs/quarter-plan.ts';
import { type Clock, stopwatch } from '../core/clock.ts';
import { longestInterval } from '../core/cron.ts';
import type { Calendar } from '../core/quarter.ts';
import type { Figures } from '../db/figures.ts';
import type { Logger } from '../platform/logger.ts';
import type { Metrics } from '../platform/metrics.ts';
import { whileWanted } from '../platform/retry.ts';
import type { Service } from '../platform/service.ts';
import type { Job } from '../queue/job.ts';
import { showFigures } from './figures-page.ts';

export interface FiguresHouse {
  readonly calendar: Calendar;
  readonly clock: Clock;
  readonly config: QuarterPolicy;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly jobs: readonly Pick<Job, 'name' | 'schedule'>[];
}

export interface FiguresTiming {
  /** Milliseconds from one reading to the next, and after which one is given up. */
  readonly everyMs: number;
  readonly giveUpMs: number;
}

const usual: FiguresTiming = { everyMs: 15_000, giveUpMs: 8000 };

/**
 * Reads the figures of the database again and again, and puts what was read last on each page of metrics, with its age. A page
 * reads nothing: however many are asked for, the database sees one reading a quarter of a minute, and when it does not
 * answer the page is there at once all the same. Of two workers both read, for either may be the one that is left.
 *
 * @param read gives up when the signal fires
 */
export function createFigures(
  { metrics, logger, clock, calendar, config, jobs }: FiguresHouse,
  read: (signal: AbortSignal) => Promise<Figures>,
  { everyMs, giveUpMs }: FiguresTiming = usual,
): Service {
  const stopping = new AbortController();
  const known = jobs.map(({ name, schedule }) => ({
    name,
    interval: schedule === undefined ? undefined : longestInterval(schedule),
  }));
  let last: { readonly figures: Figures; readonly took: number; readonly age: () => number } | undefined;
  let failing = false;
  let unshown: Figures | undefined;
  let loop: Promise<void> = Promise.resolve();

  metrics.onPage(() => {
    if (last === undefined) return;
    const age = last.age();
    metrics.set('database_figures_age_seconds', {}, age);
    metrics.set('database_figures_duration_seconds', {}, last.took);
    const options = { calendar, policy: config, jobs: known, now: clock.now(), age };
    try {
      showFigures(metrics.replace, last.figures, options);
    } catch (error) {
      // All else on the page is worth as much without them. What a newer version put down may be nothing that this one knows.
      metrics.count('database_figures_failures_total', {});
      if (unshown !== last.figures) logger.warn({ err: error }, 'figures of the database could not be shown');
      unshown = last.figures;
    }
  });

  async function readOnce(): Promise<void> {
    // What is read is at least as new as the beginning of the reading.
    const age = stopwatch();
    try {
      const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(giveUpMs)]);
      // Not even a connection that is never made is waited for.
      const figures = await whileWanted(read(signal), signal);
      last = { figures, took: age(), age };
      if (failing) logger.info({ seconds: last.took }, 'figures of the database are read again');
      failing = false;
    } catch (error) {
      if (stopping.signal.aborted) return;
      metrics.count('database_figures_failures_total', {});
      // Said once: what the page shows grows old, and an outage has other lines of its own.
      if (!failing) logger.warn({ err: error }, 'figures of the database could not be read');
      failing = true;
    }
  }

  async function readOn(): Promise<void> {
    while (!stopping.signal.aborted) {
      const seconds = stopwatch();
      await readOnce();
      const rest = Math.max(0, everyMs - seconds() * 1000);
      await delay(rest, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }

  return {
    name: 'figures',
    // The first reading is not waited for: who works has no need of figures.
    start: async () => {
      loop = readOn();
    },
    stop: async () => {
      stopping.abort();
      await loop;
    },
  };
}
