import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { assert } from '../core/errors.ts';
import { databaseMetrics } from './database-metrics.ts';
import type { MetricSpec } from './metric.ts';
import { processMetrics } from './process-metrics.ts';

/** All metrics of the program, without the prefix `quartermaster_`. */
export const catalogue = { ...processMetrics, ...databaseMetrics } as const;

type Catalogue = typeof catalogue;
type NameOf<Kind extends MetricSpec['kind']> = {
  [Name in keyof Catalogue]: Catalogue[Name]['kind'] extends Kind ? Name : never;
}[keyof Catalogue];

export type MetricName = keyof Catalogue;
export type CounterName = NameOf<'counter'>;
export type GaugeName = NameOf<'gauge'>;
export type HistogramName = NameOf<'histogram'>;
/** The labels of a metric, each with its value. */
export type LabelsOf<Name extends MetricName> = Record<Catalogue[Name]['labels'][number], string>;

/** A page of metrics as Prometheus reads it. */
export interface MetricsPage {
  readonly contentType: string;
  render(): Promise<string>;
}

/** What a process counts and measures. Names and labels are those of the catalogue, and no others are taken. */
export interface Metrics {
  readonly page: MetricsPage;
  count<Name extends CounterName>(name: Name, labels: LabelsOf<Name>, by?: number): void;
  /** In the unit of the name. */
  observe<Name extends HistogramName>(name: Name, labels: LabelsOf<Name>, value: number): void;
  set<Name extends GaugeName>(name: Name, labels: LabelsOf<Name>, value: number): void;
  add<Name extends GaugeName>(name: Name, labels: LabelsOf<Name>, by: number): void;
  /** All series of a gauge at once: what is not among them is gone. */
  replace<Name extends GaugeName>(
    name: Name,
    series: readonly { readonly labels: LabelsOf<Name>; readonly value: number }[],
  ): void;
  /** Called before each page, to bring gauges up to date. What it throws fails the page, so it throws nothing. */
  onPage(refresh: () => void | Promise<void>): void;
}

const PREFIX = 'quartermaster_';

/** Gauges of the client library that are named like counters. The same numbers are there by type, under the name without it. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

export function createMetrics(): Metrics {
  const registry = new Registry();
  const refreshes: (() => void | Promise<void>)[] = [];
  // Processor, memory and event loop of the process, as Prometheus and Node call them.
  collectDefaultMetrics({ register: registry, prefix: PREFIX });
  for (const name of MISNAMED) registry.removeSingleMetric(PREFIX + name);
  const made = new Map(
    Object.entries<MetricSpec>(catalogue).map(([name, spec]) => [name, createMetric(registry, name, spec)]),
  );

  function get<Metric>(name: string, type: abstract new (...parameters: never[]) => Metric): Metric {
    const metric = made.get(name);
    assert(metric instanceof type, `${name} is no ${type.name}`);
    return metric;
  }

  return {
    page: {
      contentType: registry.contentType,
      async render() {
        for (const refresh of refreshes) await refresh();
        return registry.metrics();
      },
    },
    count: (name, labels, by = 1) => get(name, Counter).inc(labels, by),
    observe: (name, labels, value) => get(name, Histogram).observe(labels, value),
    set: (name, labels, value) => get(name, Gauge).set(labels, value),
    add: (name, labels, by) => get(name, Gauge).inc(labels, by),
    replace(name, series) {
      const gauge = get(name, Gauge);
      gauge.reset();
      // Without labels a reset leaves a 0, which for some is the one value that wakes somebody up.
      if (catalogue[name].labels.length === 0) gauge.remove();
      for (const { labels, value } of series) gauge.set(labels, value);
    },
    onPage: (refresh) => void refreshes.push(refresh),
  };
}

function createMetric(registry: Registry, name: string, { kind, help, labels, buckets }: MetricSpec) {
  const settings = { name: PREFIX + name, help, labelNames: [...labels], registers: [registry] };
  if (kind === 'counter') return new Counter(settings);
  if (kind === 'histogram') return new Histogram({ ...settings, buckets: [...(buckets ?? [])] });
  const gauge = new Gauge(settings);
  // What was not measured is not 0.
  if (labels.length === 0) gauge.remove();
  return gauge;
}
