import type { Job, Quarter, QuarterDetail } from '../../src/console/page/quarters/types.ts';

/** A quarter as the API lists it, for what is worked out from one. */
export function aQuarter(different: Partial<Quarter> = {}): Quarter {
  return {
    quarter: '2026q1',
    state: 'closed',
    starts_at: '2026-01-01T00:00:00.000Z',
    ends_at: '2026-04-01T00:00:00.000Z',
    attached: true,
    transactions: 10,
    entries: 20,
    exact: true,
    online_bytes: 1000,
    archived_bytes: 0,
    archived_rows: 0,
    digest: null,
    hold_reason: null,
    stale_reason: null,
    restored_until: null,
    awaiting_approval: [],
    verified_at: null,
    frozen_at: null,
    manifest_sha256: null,
    previous_manifest_sha256: null,
    next: null,
    ...different,
  };
}

/** The same with all that is known of it. */
export function aQuarterDetail(different: Partial<QuarterDetail> = {}): QuarterDetail {
  return {
    ...aQuarter(),
    closed_at: null,
    reopened_at: null,
    archived_at: null,
    detached_at: null,
    dropped_at: null,
    restored_at: null,
    checks: null,
    checked_at: null,
    approvals: [],
    copies: [],
    archive: null,
    events: [],
    ...different,
  };
}

export function aJob(different: Partial<Job> = {}): Job {
  return {
    id: '00000000-0000-4000-8000-000000000000',
    quarter: '2026q1',
    verb: 'archive',
    actor: 'finn',
    reason: null,
    until: null,
    into: null,
    state: 'failed',
    progress: null,
    report: null,
    error: { kind: 'unavailable', code: 'store_failed', detail: 'The store is full.' },
    requested_at: '2026-11-26T00:00:00.000Z',
    started_at: null,
    updated_at: '2026-11-26T00:00:00.000Z',
    finished_at: '2026-11-26T00:00:00.000Z',
    ...different,
  };
}
