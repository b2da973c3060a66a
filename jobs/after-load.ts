import type { Db } from '../src/db/schema.ts';
import type { Queue } from '../src/queue/queue.ts';

/**
 * What a load asks for in the transaction of its last rows: summaries soon, and statistics once PostgreSQL's counters
 * of changes have arrived, which takes up to ten seconds. Loads that follow each other put both off, but not the runs of
 * their schedules.
 */
export async function requestAfterLoad(queue: Queue, trx: Db): Promise<void> {
  await requestRefresh(queue, trx);
  await queue.enqueueDebounced(trx, 'analyze-partitions', 15);
}

/** Summaries soon: a few seconds after the last request, so that many of them make one run. */
export async function requestRefresh(queue: Queue, db: Db): Promise<void> {
  await queue.enqueueDebounced(db, 'refresh-summaries', 5);
}
