import type { Obstacle } from './outlook.ts';
import type { QuarterRow } from './registry.ts';

/** A closed quarter whose close does not count any more: an earlier one was reopened since. */
export function staleObstacle({
  quarter,
  stale_reason,
}: Pick<QuarterRow, 'quarter' | 'stale_reason'>): Obstacle[] {
  if (stale_reason === null) return [];
  const detail = `The close of ${quarter} does not count any more: ${stale_reason}. Close it again first: \`quartermaster quarters close ${quarter}\`.`;
  return [{ code: 'quarter_stale', kind: 'conflict', detail }];
}
