import { DAY } from '../core/timestamp.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import type { Obstacle } from './outlook.ts';

/** Whoever wants a quarter for longer than that wants it not to be taken out at all. */
const MAX_DAYS = 3660;

/** Until when a quarter is restored: as the run says, or as many days as the house gives. */
export function untilOf({ clock, restoreDays }: QuarterHouse, { until }: QuarterRun): Date {
  return until ?? new Date(clock.now().getTime() + restoreDays * DAY);
}

/** What is wrong with the time that the run says. */
export function untilObstacle({ clock }: QuarterHouse, { until }: QuarterRun, quarter: string): Obstacle[] {
  if (until === undefined) return [];
  const wait = until.getTime() - clock.now().getTime();
  if (wait > 0 && wait <= MAX_DAYS * DAY) return [];
  const detail = `Until when ${quarter} is restored must be a time to come, within ten years. To keep it for longer, hold it: \`quartermaster quarters hold ${quarter}\`.`;
  return [{ code: 'invalid_until', kind: 'invalid', detail }];
}
