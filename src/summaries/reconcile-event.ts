import type { Quarter } from '../core/quarter.ts';
import type { Trx } from '../db/schema.ts';
import type { Comparison } from './reconcile-compare.ts';

/** Differences that an event keeps in full. */
const MOST_KEPT = 20;

/** Writes into the quarter's story, in the transaction of the repair, what was wrong and that it is repaired. */
export async function recordRepair(
  trx: Trx,
  actor: string,
  quarter: Quarter,
  { count, days, differences }: Comparison,
): Promise<void> {
  const row = await trx
    .selectFrom('quartermaster.quarters')
    .select('state')
    .where('quarter', '=', quarter.name)
    .executeTakeFirst();
  const isFixed = row !== undefined && row.state !== 'open' && row.state !== 'planned';
  const reason = isFixed
    ? `Summaries were not what the rows come to. The quarter is ${row.state} and its rows cannot change: somebody changed the summaries, or they are damaged.`
    : 'Summaries were not what the rows come to.';
  await trx
    .insertInto('quartermaster.quarter_events')
    .values({
      quarter: quarter.name,
      event: 'summaries_repaired',
      actor,
      reason,
      detail: JSON.stringify({ differences: count, days, examples: differences.slice(0, MOST_KEPT) }),
    })
    .execute();
}
