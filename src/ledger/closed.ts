import { sql } from 'kysely';
import { partitionName, quarterTables } from '../core/tables.ts';
import type { Db } from '../db/schema.ts';
import { CLOSED_CONSTRAINT } from '../db/sqlstate.ts';

/** A quarter that takes no more rows: every instant in `[start, end)`. */
export interface ClosedRange {
  readonly start: Date;
  readonly end: Date;
}

/**
 * The closed quarters that some instant between `from` and `to` falls in. One that is being closed is among them: it still
 * has the state of an open one and PostgreSQL refuses its rows already, and a batch that did not know would fail
 * whole for the sake of a single late row.
 */
export async function closedRanges(db: Db, from: Date, to: Date): Promise<ClosedRange[]> {
  // By the tables of the quarter, which have a few constraints each: of this name there are two for every quarter ever closed, and
  // OFFSET 0 keeps the planner from going through those.
  const isFenced = sql<boolean>`EXISTS (
    SELECT FROM unnest(${quarterTables.map(({ schema }) => schema)}::text[],
                       ${quarterTables.map((table) => partitionName(table, ''))}::text[]) AS t (schema, prefix)
    CROSS JOIN LATERAL (
      SELECT k.conname FROM pg_catalog.pg_constraint AS k
      WHERE k.conrelid = to_regclass(format('%I.%I', t.schema, t.prefix || quarter))
      OFFSET 0
    ) AS k
    WHERE k.conname = ${CLOSED_CONSTRAINT})`;
  return db
    .selectFrom('quartermaster.quarters')
    .select(['starts_at as start', 'ends_at as end'])
    .where('starts_at', '<=', to)
    .where('ends_at', '>', from)
    .where((is) => is.or([is('state', 'not in', ['planned', 'open']), isFenced]))
    .execute();
}
