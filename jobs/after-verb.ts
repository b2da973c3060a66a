import type { QuarterNote, QuarterVerb } from '../src/core/lifecycle.ts';
import type { Db } from '../src/db/schema.ts';
import { toAppError } from '../src/db/sqlstate.ts';
import type { Logger } from '../src/platform/logger.ts';
import type { Queue } from '../src/queue/queue.ts';

/** After these there are other partitions, or other rows of summaries, than the planner knows of. */
const changing: readonly (QuarterVerb | QuarterNote)[] = ['create', 'close', 'detach', 'restore', 'release'];

/**
 * Asks for statistics once a verb is done. It changes nothing about the verb when that cannot be: where no queue is installed
 * nobody would work on it, and what was not asked for is found by the job's schedule within the hour.
 */
export async function requestAfterVerb(
  queue: Queue,
  db: Db,
  verb: string,
  logger: Pick<Logger, 'warn'>,
): Promise<void> {
  if (!changing.some((one) => one === verb)) return;
  try {
    await queue.enqueueDebounced(db, 'analyze-partitions', 15);
  } catch (error) {
    const { code, detail } = toAppError(error);
    if (code !== 'not_migrated')
      logger.warn({ code, detail }, 'statistics could not be asked for; the next full hour sees to them');
  }
}
