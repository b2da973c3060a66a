import type { Db } from '../db/schema.ts';

/** A quarter that takes no more rows: every instant in `[start, end)`. */
export interface ClosedRange {
  readonly start: Date;
  readonly end: Date;
}

/** The closed quarters that some instant between `from` and `to` falls in. */
export async function closedRanges(db: Db, from: Date, to: Date): Promise<ClosedRange[]> {
  return db
    .selectFrom('quartermaster.quarters')
    .select(['starts_at as start', 'ends_at as end'])
    .where('state', 'not in', ['planned', 'open'])
    .where('starts_at', '<=', to)
    .where('ends_at', '>', from)
    .execute();
}
