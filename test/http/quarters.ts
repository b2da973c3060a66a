import type { HttpHouse, QuarterRequest } from '../../src/http/house.ts';
import type { Operation } from '../../src/http/operation-json.ts';
import type { QuarterDetail } from '../../src/quarters/show.ts';
import type { QuarterJob } from '../../src/queue/quarter-jobs.ts';
import { createApp, emptyHouse, inject } from './house.ts';

const at = new Date('2026-01-10T00:00:00Z');

/** A quarter as the house tells of it. */
export function quarterDetail(parts: Partial<QuarterDetail> = {}): QuarterDetail {
  return {
    name: '2024q1',
    state: 'detached',
    start: new Date('2024-01-01T00:00:00Z'),
    end: new Date('2024-04-01T00:00:00Z'),
    attached: false,
    transactions: 3n,
    entries: 6n,
    exact: true,
    onlineBytes: 8192n,
    archivedBytes: 900n,
    archivedRows: 12n,
    digest: 'abc',
    holdReason: null,
    staleReason: null,
    restoredUntil: null,
    awaiting: ['drop'],
    verifiedAt: at,
    closedAt: at,
    reopenedAt: null,
    archivedAt: at,
    detachedAt: at,
    droppedAt: null,
    restoredAt: null,
    frozenAt: null,
    manifestSha256: 'b00c',
    previousManifestSha256: null,
    checks: { at, items: [{ name: 'sums', ok: true, detail: 'They are zero.' }] },
    writtenAt: at,
    approvals: [
      {
        verb: 'drop',
        requestedBy: 'ada',
        requestedAt: at,
        reason: 'retention is over',
        approvedBy: null,
        approvedAt: null,
      },
    ],
    copies: [
      {
        schema: 'audit',
        reason: 'audit',
        restoredBy: 'bob',
        restoredAt: at,
        expiresAt: new Date('2026-02-01'),
      },
    ],
    location: 'file:///archive/ledger/2024q1',
    events: [{ at, event: 'close', actor: 'ada', reason: null, detail: { transactions: '3' } }],
    files: [{ path: 'entries/part-0000.parquet', table: 'entries', rows: 6n, bytes: 450n, sha256: 'f00' }],
    ...parts,
  };
}

/** A job as the house tells of it. */
export function quarterJob(parts: Partial<QuarterJob> = {}): QuarterJob {
  return {
    id: '00000001-aaaa-8bbb-8ccc-0123456789ab',
    quarter: '2024q1',
    verb: 'close',
    actor: 'ada',
    reason: null,
    until: null,
    into: null,
    state: 'running',
    progress: { what: 'trial balance', done: 1, total: undefined },
    report: null,
    error: null,
    requestedAt: at,
    startedAt: at,
    updatedAt: at,
    finishedAt: null,
    ...parts,
  };
}

/** How a house stands of which nothing is known. */
export function operationAnswer(parts: Partial<Operation> = {}): Operation {
  return {
    at: at.toISOString(),
    unknown: [],
    ...{ horizon: null, replica: null, summaries: null, fixity: null, indexes: null, alerts: null },
    ...{ queues: [], failures: [], checks: [] },
    ...parts,
  };
}

/** An app whose quarters are these, and what was asked of them. */
export function openQuarters(parts: Partial<HttpHouse['quarters']> = {}) {
  const asked: QuarterRequest[] = [];
  const app = createApp(
    emptyHouse({
      quarters: {
        list: async () => [quarterDetail()],
        show: async () => quarterDetail(),
        next: async () => undefined,
        nexts: async () => new Map(),
        preview: async (request) => {
          asked.push(request);
          return { done: false, obstacles: [], steps: [] };
        },
        ask: async (request) => {
          asked.push(request);
          return { done: true, report: undefined };
        },
        trialBalance: async () => [],
        trialBalanceCsv: async function* () {},
        trialBalanceAccounts: async () => ({ accounts: [], more: false }),
        jobs: async () => [],
        job: async () => undefined,
        retry: async () => quarterJob(),
        ...parts,
      },
    }),
  );
  const get = (url: string) => inject(app, { url });
  const post = (url: string, payload?: object) =>
    inject(app, { method: 'POST', url, ...(payload === undefined ? {} : { payload }) });
  return { get, post, asked };
}
