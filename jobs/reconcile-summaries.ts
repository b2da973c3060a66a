import { type Job, maintenanceQueue } from '../src/queue/job.ts';
import { type FoundDifferences, reconcileSummaries } from '../src/summaries/reconcile.ts';
import type { JobHouse } from './house.ts';

/** Differences that one line of the log tells in full. */
const MOST_LOGGED = 20;

/** Daily: a sample of days, held against the rows. What differs is logged with its numbers and counted as it is found, and repaired. */
export function reconcileSummariesJob({ database, calendar, clock }: JobHouse): Job {
  return {
    name: 'reconcile-summaries',
    queue: maintenanceQueue('reconcile-summaries'),
    schedule: '50 3 * * *',
    async handle(_data, { signal, onProgress, onDifference, logger }) {
      const options = {
        ...{ database, calendar, clock, actor: 'schedule', signal, onProgress },
        onDifference: ({ quarter, differences, differingDays, differing }: FoundDifferences) => {
          onDifference?.(differences);
          const told = differing.slice(0, MOST_LOGGED).map(asText);
          logger.error(
            { quarter, differences, differingDays, differing: told },
            'summaries were not what the rows come to',
          );
        },
      };
      const report = await reconcileSummaries(options);
      const { differingDays, repairedDays, remarkedDays, skipped, failed } = report;
      if (remarkedDays > 0)
        logger.info({ remarkedDays }, 'days of before the upgrade are marked to be summed up again');
      if (repairedDays > 0) logger.warn({ differingDays, repairedDays }, 'summaries were repaired');
      if (skipped.length > 0) logger.info({ skipped }, 'quarters left while their summaries were looked at');
      if (failed.length > 0) logger.error({ failed }, 'days that cannot be summed up');
      return report;
    },
  };
}

/** `main's 2026-03-31, daily_totals …` as one line: a log is searched by eye. */
function asText(one: FoundDifferences['differing'][number]): string {
  const { ledgerId, day, table, key, stored, counted } = one;
  return `ledger ${ledgerId}, ${day}, ${table} ${JSON.stringify(key)}: stored ${JSON.stringify(stored)}, counted ${JSON.stringify(counted)}`;
}
