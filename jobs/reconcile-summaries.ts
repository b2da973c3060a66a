import { type Job, maintenanceQueue } from '../src/queue/job.ts';
import { reconcileSummaries } from '../src/summaries/reconcile.ts';
import type { JobHouse } from './house.ts';

/** Daily: a sample of days, held against the rows. What differs is logged with its numbers, counted and repaired. */
export function reconcileSummariesJob({ database, calendar, clock }: JobHouse): Job {
  return {
    name: 'reconcile-summaries',
    queue: maintenanceQueue('reconcile-summaries'),
    schedule: '50 3 * * *',
    async handle(_data, { signal, onProgress, logger }) {
      const options = { database, calendar, clock, actor: 'schedule', signal, onProgress };
      const report = await reconcileSummaries(options);
      const { differences, differingDays, repairedDays, differing, failed } = report;
      if (differences > 0) {
        const told = { differences, differingDays, repairedDays, differing: differing.map(asText) };
        logger.error(told, 'summaries were not what the rows come to');
      }
      if (failed.length > 0) logger.error({ failed }, 'days that cannot be summed up');
      return report;
    },
  };
}

/** `main's 2026-03-31, daily_totals …` as one line: a log is searched by eye. */
function asText(one: Awaited<ReturnType<typeof reconcileSummaries>>['differing'][number]): string {
  const { ledgerId, day, table, key, stored, counted } = one;
  return `ledger ${ledgerId}, ${day}, ${table} ${JSON.stringify(key)}: stored ${JSON.stringify(stored)}, counted ${JSON.stringify(counted)}`;
}
