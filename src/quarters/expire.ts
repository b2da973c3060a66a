import type { QuarterHouse, QuarterRun } from './context.ts';

export interface ExpiryReport {
  readonly released: readonly object[];
  readonly withheld: readonly object[];
  readonly failed: readonly object[];
}

/** Releases what was restored for a time that is over. */
export async function expireRestores(_house: QuarterHouse, _run: QuarterRun): Promise<ExpiryReport> {
  return { released: [], withheld: [], failed: [] };
}
