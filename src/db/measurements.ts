import type { ClientBase } from 'pg';
import type { Db } from './schema.ts';

/** What was only seen, with the time at which that began: partitions that are half detached, jobs that have a schedule. */
export const PENDING_DETACH = 'pending_detach';
export const SCHEDULE_KNOWN = 'schedule_known';

/** A figure that a job found. `label` is of few values, and empty where there is but one. */
export interface Measurement {
  readonly label: string;
  readonly value: number;
}

/** What was found last by this name is replaced by this, all at once: what is not among the rows is gone. */
export async function recordMeasurements(
  db: Db,
  metric: string,
  rows: readonly Measurement[],
): Promise<void> {
  // In one order, so that two that do it at once wait for each other and do not lock each other out.
  const sorted = [...rows].sort((a, b) => (a.label < b.label ? -1 : 1));
  await db.transaction().execute(async (trx) => {
    await trx
      .deleteFrom('quartermaster.measurements')
      .where('metric', '=', metric)
      .$if(rows.length > 0, (gone) =>
        gone.where(
          'label',
          'not in',
          sorted.map(({ label }) => label),
        ),
      )
      .execute();
    if (rows.length === 0) return;
    await trx
      .insertInto('quartermaster.measurements')
      .values((given) =>
        sorted.map(({ label, value }) => ({ metric, label, value, measured_at: given.fn<Date>('now') })),
      )
      .onConflict((conflict) =>
        conflict.columns(['metric', 'label']).doUpdateSet((row) => ({
          value: row.ref('excluded.value'),
          measured_at: row.ref('excluded.measured_at'),
        })),
      )
      .execute();
  });
}

/** How many there are of each label. */
export function tally<T>(
  all: readonly T[],
  labelOf: (one: T) => string,
  amountOf = (_one: T) => 1,
): Measurement[] {
  return [...Map.groupBy(all, labelOf)].map(([label, some]) => ({
    label,
    value: some.reduce((sum, one) => sum + amountOf(one), 0),
  }));
}

/**
 * Keeps since when something has been seen that has no time of its own. Whoever saw it first stays the first; what was seen and
 * is `gone` is forgotten.
 */
export async function recordSightings(
  client: ClientBase,
  metric: string,
  seen: readonly string[],
  gone: readonly string[],
): Promise<void> {
  if (seen.length > 0) {
    await client.query(
      `INSERT INTO quartermaster.measurements (metric, label, value)
       SELECT $1, label, 1 FROM unnest($2::text[]) AS label ORDER BY label
       ON CONFLICT (metric, label) DO NOTHING`,
      [metric, seen],
    );
  }
  if (gone.length > 0) {
    await client.query('DELETE FROM quartermaster.measurements WHERE metric = $1 AND label = ANY ($2)', [
      metric,
      gone,
    ]);
  }
}
