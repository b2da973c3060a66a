import type { QuarterHouse, QuarterRun } from './context.ts';

/** Releases what was restored for a time that is over. */
export async function expireRestores(_house: QuarterHouse, _run: QuarterRun): Promise<object> {
  return {};
}
