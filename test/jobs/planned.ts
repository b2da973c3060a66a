import type { PlannedQuarter, QuarterPolicy } from '../../jobs/quarter-plan.ts';
import type { QuarterState } from '../../src/core/lifecycle.ts';
import { calendar } from '../../src/core/quarter.ts';

export const paris = calendar('Europe/Paris');
export const auto: QuarterPolicy = {
  closeAfterDays: 10,
  onlineQuarters: 8,
  archiveQuarters: true,
  archiveApproval: 'auto',
  dropAfterDays: 30,
  dropQuarters: true,
};

export function row(
  quarter: string,
  state: QuarterState,
  more: Partial<PlannedQuarter> = {},
): PlannedQuarter {
  return {
    quarter,
    state,
    ends_at: paris.quarter(quarter).end,
    hold_reason: null,
    stale_reason: null,
    reopened_at: null,
    detached_at: null,
    restored_at: null,
    restored_until: null,
    approved: [],
    ...more,
  };
}
