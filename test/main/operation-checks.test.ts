import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { calendar as calendarOf } from '../../src/core/quarter.ts';
import { quarterTables } from '../../src/core/tables.ts';
import type { Figures, PartitionFigures, QuarterFigures } from '../../src/db/figures.ts';
import type { ChecksHouse } from '../../src/main/operation-check.ts';
import { checksOf } from '../../src/main/operation-checks.ts';
import type { OperationFacts } from '../../src/main/operation-facts.ts';
import { queuesOf } from '../../src/main/operation-schedules.ts';
import { readConfig } from '../../src/platform/config.ts';
import { maintenanceQueue } from '../../src/queue/job.ts';
import { readAlerts } from '../support/alert-rules.ts';

const calendar = calendarOf('UTC');
const at = new Date('2026-08-01T12:00:00Z');
const ago = (seconds: number) => new Date(at.getTime() - seconds * 1000);
const day = 86_400;

const house: ChecksHouse = {
  calendar,
  config: readConfig({ QM_DATABASE_URL: 'postgres://nowhere/none', QM_ARCHIVE_APPROVAL: 'required' }),
  queues: queuesOf([
    { name: 'reconcile-partitions', queue: maintenanceQueue('reconcile-partitions'), schedule: '5 * * * *' },
    { name: 'quarter-tick', queue: maintenanceQueue('quarter-tick'), schedule: '0 2 * * *' },
  ]),
  switchedOff: [],
};

/** Partitions that take rows for so many seconds more. */
function partitionsFor(seconds: number): PartitionFigures[] {
  return quarterTables.map(({ name: table }) => ({
    ...{
      table,
      schema: 'ledger',
      name: `${table}_2026q3`,
      quarter: '2026q3',
      attachment: 'attached' as const,
    },
    bounds: { from: ago(day), to: ago(-seconds) },
    ...{ fenced: false, ours: true, empty: false, bytes: 0, change: '1' },
  }));
}

const quarter = (some: Partial<QuarterFigures>): QuarterFigures => ({
  ...{ quarter: '2026q1', state: 'closed', ends_at: new Date('2026-04-01T00:00:00Z') },
  ...{ hold_reason: null, stale_reason: null, reopened_at: null, closed_at: null, archived_at: null },
  ...{
    detached_at: null,
    restored_at: null,
    restored_until: null,
    freed_at: null,
    opened_at: null,
    asked: [],
  },
  ...some,
});

type ValueOf<K> = K extends { readonly value: infer V } ? V : never;
type Values = { [Part in Exclude<keyof OperationFacts, 'at' | 'replica'>]: ValueOf<OperationFacts[Part]> };

const well: Values = {
  horizon: {
    partitions: partitionsFor(400 * day),
    measurements: [],
    freeze: { age: 1, limit: 200_000_000 },
    server: { connections: 1, limit: 100 },
  },
  quarters: { quarters: [], expired: [] },
  queues: { queues: [], measurements: [], outcomes: [] },
  summaries: { days: 0, seconds: 0, refreshedAt: null },
  failures: { jobs: [], steps: [] },
  fixity: { archives: 0, oldest: null, damaged: [] },
  indexes: undefined,
};

function factsOf(some: { [Part in keyof Values]?: Partial<Values[Part]> } = {}): OperationFacts {
  const known = Object.entries(well).map(([part, value]) => [
    part,
    { value: value === undefined ? some[part as 'indexes'] : { ...value, ...some[part as 'queues'] } },
  ]);
  return { at, replica: null, ...Object.fromEntries(known) } as OperationFacts;
}

function stateOf(name: string, facts: OperationFacts, of: ChecksHouse = house) {
  const check = checksOf(facts, of).find((one) => one.name === name);
  expect(check, name).toBeDefined();
  return check?.state;
}

const rules = readAlerts(join(import.meta.dirname, '../../helm/quartermaster/files/alerts.yaml'));
const ruleOf = (name: string) => rules.find(({ alert }) => alert === name) ?? { expr: '', annotations: {} };

/** The number that an alert compares with, worked out as PromQL would: `97 * 86400`. */
function limitOf(alert: string): number {
  const [, text = ''] = /[<>]=?\s*([\d.e]+(?:\s*\*\s*[\d.]+)*)/.exec(ruleOf(alert).expr) ?? [];
  return text.split('*').reduce((product, one) => product * Number(one), 1);
}

const queue = (some: Partial<Figures['queues'][number]>) => ({
  queues: {
    queues: [
      { queue: 'quarter', waiting: 0, running: 0, failed: 0, blockedLines: 0, readySeconds: 0, ...some },
    ],
  },
});
const measured = (metric: string, value: number) => ({
  queues: { measurements: [{ metric, label: 'x', value }] },
});
const silent = (job: string, seconds: number) => ({
  queues: { outcomes: [{ job, succeededAt: ago(seconds), failedAt: null, failure: null }] },
});

/** The check, the alert with whose limit it is compared, and the facts at so many units of it. */
const limits: [string, string, string, (value: number) => OperationFacts][] = [
  [
    'horizon',
    'QuartermasterHorizonCritical',
    'critical',
    (n) =>
      factsOf({ horizon: { partitions: partitionsFor(2 * limitOf('QuartermasterHorizonCritical') - n) } }),
  ],
  [
    'horizon',
    'QuartermasterHorizonLow',
    'warning',
    (n) => factsOf({ horizon: { partitions: partitionsFor(2 * limitOf('QuartermasterHorizonLow') - n) } }),
  ],
  [
    'connections',
    'QuartermasterServerConnectionsNearlyUsedUp',
    'warning',
    (n) => factsOf({ horizon: { server: { connections: n * 1000, limit: 1000 } } }),
  ],
  [
    'freeze',
    'QuartermasterFreezeAgeHigh',
    'warning',
    (n) => factsOf({ horizon: { freeze: { age: n * 2e8, limit: 2e8 } } }),
  ],
  [
    'freeze',
    'QuartermasterWraparoundNear',
    'critical',
    (n) => factsOf({ horizon: { freeze: { age: n, limit: 2e9 } } }),
  ],
  ['blocked', 'QuartermasterQuarterBlocked', 'warning', (n) => factsOf(queue({ blockedLines: n }))],
  ['books', 'QuartermasterLedgerImbalance', 'critical', (n) => factsOf(measured('ledger_imbalances', n))],
  ['drift', 'QuartermasterDrift', 'warning', (n) => factsOf(measured('drift', n))],
  ['statistics', 'QuartermasterStatisticsStale', 'warning', (n) => factsOf(measured('stale_statistics', n))],
  ['schedules', 'QuartermasterReconcileSilent', 'warning', (n) => factsOf(silent('reconcile-partitions', n))],
  [
    'summaries',
    'QuartermasterSummariesBehind',
    'warning',
    (n) => factsOf({ summaries: { days: 1, seconds: n } }),
  ],
  [
    'fixity',
    'QuartermasterFixityOverdue',
    'warning',
    (n) => factsOf({ fixity: { archives: 1, oldest: { quarter: '2024q1', at: ago(n) } } }),
  ],
  [
    'steps',
    'QuartermasterStepOverdue',
    'warning',
    (n) =>
      factsOf({
        quarters: { quarters: [quarter({ state: 'open', opened_at: ago(n), ends_at: ago(90 * day) })] },
      }),
  ],
  [
    'indexes',
    'QuartermasterIndexesWantCare',
    'warning',
    (n) =>
      factsOf({
        indexes: {
          auditedAt: at,
          findings: [{ kind: 'bloated', index: 'x', detail: '', mend: null, bytes: n }],
        },
      }),
  ],
  [
    'approvals',
    'QuartermasterApprovalWaiting',
    'warning',
    (n) =>
      factsOf({
        quarters: { quarters: [quarter({ asked: n > 0 ? [{ verb: 'archive', approved: false }] : [] })] },
      }),
  ],
];

describe('a check', () => {
  it('is well where all is, and says so in a sentence', () => {
    const checks = checksOf(factsOf(), house);
    for (const { name, state, detail, advice } of checks) {
      expect([name, state, advice]).toEqual([name, 'ok', null]);
      expect(detail).toMatch(/^[A-Z0-9].*\.$/);
    }
    expect(checks.length).toBeGreaterThan(15);
    expect(new Set(checks.map(({ name }) => name)).size).toBe(checks.length);
  });

  it.each(limits)('of %s has the limit of %s: %s', (name, alert, state, factsAt) => {
    const limit = limitOf(alert);
    expect(limit, alert).not.toBeNaN();
    const step = limit === 0 ? 1 : limit * 0.001;
    expect(stateOf(name, factsAt(limit + step))).toBe(state);
    expect(stateOf(name, factsAt(limit))).not.toBe(state);
    const check = checksOf(factsAt(limit + step), house).find((one) => one.name === name);
    expect(check?.advice).toMatch(/^[A-Z].*\.$/);
    expect(check?.runbook).toBe((ruleOf(alert).annotations as { runbook_url?: string }).runbook_url);
  });

  it('of jobs that wait has both limits of its alert', () => {
    const { expr } = ruleOf('QuartermasterJobsWaiting');
    expect(expr).toMatch(/queue!="quarter"\}\) > 1800/);
    expect(expr).toMatch(/queue="quarter"\}\) > 6 \* 3600/);
    expect(stateOf('queues', factsOf(queue({ queue: 'reindex', readySeconds: 1801 })))).toBe('warning');
    expect(stateOf('queues', factsOf(queue({ queue: 'reindex', readySeconds: 1800 })))).toBe('ok');
    expect(stateOf('queues', factsOf(queue({ readySeconds: 6 * 3600 })))).toBe('ok');
    expect(stateOf('queues', factsOf(queue({ readySeconds: 6 * 3600 + 1 })))).toBe('warning');
  });

  it('of schedules allows two turns and a quarter of an hour, and waits for one that was never known', () => {
    expect(stateOf('schedules', factsOf(silent('quarter-tick', 2 * day + 900)))).toBe('ok');
    expect(stateOf('schedules', factsOf(silent('quarter-tick', 2 * day + 901)))).toBe('warning');
    const known = (seconds: number) =>
      factsOf({
        queues: {
          measurements: [
            { metric: 'schedule_known', label: 'quarter-tick', value: ago(seconds).getTime() / 1000 },
          ],
        },
      });
    expect(stateOf('schedules', known(3 * day))).toBe('warning');
    expect(stateOf('schedules', known(day))).toBe('ok');
  });

  it('is neither well nor ill where it cannot be known', () => {
    const unknown = { unknown: 'PostgreSQL has not answered within 3 seconds.' };
    const none = Object.fromEntries(Object.keys(well).map((part) => [part, unknown]));
    const checks = checksOf({ at, replica: undefined, ...none } as unknown as OperationFacts, house);
    for (const { name, state, advice } of checks) {
      expect([name, state, advice]).toEqual([name, name === 'switches' ? 'ok' : 'unknown', null]);
    }
  });

  it('names a page that there is', () => {
    for (const { runbook } of checksOf(factsOf(), house)) {
      expect(existsSync(join(import.meta.dirname, '../..', runbook ?? '')), String(runbook)).toBe(true);
    }
  });
});
