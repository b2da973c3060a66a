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
  // Found by the constraint's name, of which there is an index and a few dozen rows.
  const isFenced = sql<boolean>`EXISTS (
    SELECT FROM pg_catalog.pg_constraint AS k
    JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE k.conname = ${CLOSED_CONSTRAINT} AND (n.nspname, c.relname) IN (
      SELECT t.schema, t.prefix || quarter
      FROM unnest(${quarterTables.map(({ schema }) => schema)}::text[],
                  ${quarterTables.map((table) => partitionName(table, ''))}::text[]) AS t (schema, prefix)))`;
  return db
    .selectFrom('quartermaster.quarters')
    .select(['starts_at as start', 'ends_at as end'])
    .where('starts_at', '<=', to)
    .where('ends_at', '>', from)
    .where((is) => is.or([is('state', 'not in', ['planned', 'open']), isFenced]))
    .execute();
}
