import type { Db } from '../src/db/schema.ts';
import type { Queue } from '../src/queue/queue.ts';

/**
 * What a load asks for in the transaction of its last rows: summaries soon, and statistics once PostgreSQL's counters
 * of changes have arrived, which takes up to ten seconds. Loads that follow each other put both off.
 */
export async function requestAfterLoad(queue: Queue, trx: Db): Promise<void> {
  await queue.enqueueDebounced(trx, 'refresh-summaries', 5);
  await queue.enqueueDebounced(trx, 'analyze-partitions', 15);
}
