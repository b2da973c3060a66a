import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { databaseMetrics } from '../../src/platform/database-metrics.ts';
import type { MetricSpec } from '../../src/platform/metric.ts';
import { catalogue, createMetrics } from '../../src/platform/metrics.ts';
import { readAlerts } from '../support/alert-rules.ts';
import { type Selector, selectorsOf } from '../support/promql.ts';

const PREFIX = 'quartermaster_';
const rules = join(import.meta.dirname, '..', '..', 'helm', 'quartermaster', 'files', 'alerts.yaml');
const alerts = readAlerts(rules).map((alert) => [alert.alert, alert.expr] as const);

/** What tells installations apart; every aggregation keeps them. */
const installation = ['cluster', 'namespace', 'release'];
/** What Prometheus puts on every series of a target besides. */
const target = ['job', 'instance'];
/** What turns a counter into something that can be compared. */
const overTime = ['rate', 'increase', 'max_over_time', 'last_over_time'];

/** Metrics of Node and of the process, which the library names. */
const ofNode = new Set<string>();

beforeAll(async () => {
  const page = await createMetrics().page.render();
  for (const [, name = ''] of page.matchAll(/^# HELP (\S+)/gm)) {
    if (!(name.slice(PREFIX.length) in catalogue)) ofNode.add(name);
  }
});

/** What the catalogue says of a series, be it a part of a histogram. */
function specOf(metric: string): MetricSpec | undefined {
  const name = metric.slice(PREFIX.length);
  const all: Readonly<Record<string, MetricSpec>> = catalogue;
  if (all[name] !== undefined) return all[name]?.kind === 'histogram' ? undefined : all[name];
  const [, whole = '', part = ''] = /^(.*)_(bucket|count|sum)$/.exec(name) ?? [];
  const spec = all[whole];
  if (spec?.kind !== 'histogram') return undefined;
  return { ...spec, labels: part === 'bucket' ? [...spec.labels, 'le'] : spec.labels };
}

function isOfDatabase(metric: string): boolean {
  return metric.slice(PREFIX.length) in databaseMetrics;
}

/** What is wrong with the use of a metric; undefined where nothing is. */
function faultOf({ metric, matched, within, kept }: Selector): string | undefined {
  const spec = specOf(metric);
  if (spec === undefined && metric !== 'up' && !ofNode.has(metric)) return `there is no metric ${metric}`;
  const labels = [...(spec?.labels ?? []), ...installation, ...target];
  const unknown = [...matched, ...kept.flat()].find((label) => !labels.includes(label));
  if (unknown !== undefined) return `${metric} has no label ${unknown}`;
  if (kept.some((some) => installation.some((label) => !some.includes(label))))
    return `an aggregation of ${metric} does not tell installations apart`;
  if (isOfDatabase(metric) && !within.some((name) => name === 'max' || name === 'min'))
    return `${metric} is the same of every worker, and neither max nor min is taken`;
  if (isOfDatabase(metric) && within.includes('sum')) return `${metric} is summed over workers`;
  if (
    (spec?.kind === 'counter' || spec?.kind === 'histogram') &&
    !within.some((name) => overTime.includes(name))
  )
    return `${metric} is a counter, and is compared as it stands`;
  return undefined;
}

describe('expressions of alerts', () => {
  it.each(alerts)('%s asks for what there is', (_, expression) => {
    const selectors = selectorsOf(expression);
    expect(selectors.length).toBeGreaterThan(0);
    expect(selectors.map(faultOf).filter((fault) => fault !== undefined)).toEqual([]);
  });

  it.each([
    ['max by (cluster, namespace, release) (quartermaster_horizon) > 1', 'no metric'],
    ['max by (cluster, namespace, release) (quartermaster_job_wait_seconds) > 1', 'no metric'],
    ['max by (cluster, namespace, release) (quartermaster_drift_count) > 1', 'no metric'],
    ['max by (cluster, namespace, release, table) (quartermaster_drift) > 1', 'no label table'],
    ['max by (cluster, namespace, release) (quartermaster_drift{reason="x"}) > 1', 'no label reason'],
    ['max by (namespace) (quartermaster_drift) > 1', 'tell installations apart'],
    ['max(quartermaster_drift) > 1', 'tell installations apart'],
    ['quartermaster_horizon_seconds < 1', 'neither max nor min'],
    [
      'sum by (cluster, namespace, release) (max by (cluster, namespace, release) (quartermaster_drift))',
      'summed',
    ],
    ['sum by (cluster, namespace, release) (quartermaster_lock_timeouts_total) > 1', 'compared as it stands'],
  ])('%s is found to be wrong', (expression, why) => {
    expect(selectorsOf(expression).map(faultOf)).toEqual([expect.stringContaining(why)]);
  });

  it('must be PromQL', () => {
    expect(() => selectorsOf('max by (cluster (quartermaster_drift) > 1')).toThrow(/not PromQL/);
    expect(() => selectorsOf('{job="a"} > 1')).toThrow(/without a name/);
  });
});
