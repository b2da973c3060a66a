import type { Obstacle } from './outlook.ts';

/** A closed quarter whose close does not count any more: an earlier one was reopened since. */
export function staleObstacle({
  quarter,
  stale_reason,
}: {
  readonly quarter: string;
  readonly stale_reason: string | null;
}): Obstacle[] {
  if (stale_reason === null) return [];
  const detail = `The close of ${quarter} does not count any more: ${stale_reason}. Close it again first: \`quartermaster quarters close ${quarter}\`.`;
  return [{ code: 'quarter_stale', kind: 'conflict', detail }];
}
