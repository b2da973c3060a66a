import { type Measurement, recordMeasurements } from '../src/db/measurements.ts';
import type { Db } from '../src/db/schema.ts';
import type { Logger } from '../src/platform/logger.ts';

/** Leaves what a job found for the figures. The job has done its work: that it cannot be left keeps no job from its end. */
export async function leaveMeasurements(
  db: Db,
  logger: Logger,
  metric: string,
  rows: readonly Measurement[],
): Promise<void> {
  try {
    await recordMeasurements(db, metric, rows);
  } catch (error) {
    logger.warn({ err: error, metric }, 'what was measured was not kept');
  }
}
