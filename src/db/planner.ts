import { sql } from 'kysely';
import type { Trx } from './schema.ts';

/**
 * Keeps the planner from holding each row of one side against each of the other. Of what came since the last ANALYZE, as the rows of today or
 * those that this transaction has written, it believes that there is nothing, and for so little a nested loop looks best: 8,000
 * users of today were 64 million comparisons. What has to be a loop, as LATERAL has, stays one.
 */
export async function withoutLoops<T>(trx: Trx, action: () => Promise<T>): Promise<T> {
  await sql`SET LOCAL enable_nestloop = off`.execute(trx);
  const result = await action();
  await sql`SET LOCAL enable_nestloop TO DEFAULT`.execute(trx);
  return result;
}
