import { databaseMetrics } from '../../src/platform/database-metrics.ts';
import type { catalogue, MetricName } from '../../src/platform/metrics.ts';

type Histogram = {
  [Name in MetricName]: (typeof catalogue)[Name]['kind'] extends 'histogram' ? Name : never;
}[MetricName];
type Plain = Exclude<MetricName, Histogram>;
/** What Node tells of itself, as far as it is drawn. */
type Own =
  | 'process_cpu_seconds_total'
  | 'process_resident_memory_bytes'
  | 'process_open_fds'
  | 'process_max_fds'
  | 'process_start_time_seconds'
  | 'nodejs_heap_size_used_bytes'
  | 'nodejs_eventloop_lag_p99_seconds'
  | 'nodejs_gc_duration_seconds_sum';
export type Series = Plain | `${Histogram}_${'bucket' | 'sum' | 'count'}` | Own;

/** Long enough for two scrapes, whatever the time that is shown. */
const WINDOW = '$__rate_interval';

/**
 * The series of a metric that the variables of the dashboard choose. The figures of the database are the same of every
 * worker, so that they are not narrowed down to instances.
 */
export function of(name: Series, ...matchers: string[]): string {
  const chosen = ['namespace=~"$namespace"', 'release=~"$release"'];
  if (!(name in databaseMetrics)) chosen.push('instance=~"$instance"');
  return `quartermaster_${name}{${[...chosen, ...matchers].join(',')}}`;
}

/** Per second. */
export function rate(name: Series, ...matchers: string[]): string {
  return `rate(${of(name, ...matchers)}[${WINDOW}])`;
}

/** What a counter has risen by within a time such as `1d`. */
export function rise(name: Series, within: string, ...matchers: string[]): string {
  return `increase(${of(name, ...matchers)}[${within}])`;
}

/** What happens so rarely that nobody thinks of it by the second. */
export function hourly(by: string, name: Series, ...matchers: string[]): string {
  return `sum by (${by}) (${rate(name, ...matchers)}) * 3600`;
}

/** A quantile of a histogram over all instances, apart by the labels given. */
export function quantile(
  share: number,
  name: Histogram,
  by: readonly string[] = [],
  within = WINDOW,
): string {
  const buckets = `rate(${of(`${name}_bucket`)}[${within}])`;
  return `histogram_quantile(${share}, sum by (${['le', ...by].join(', ')}) (${buckets}))`;
}

/** The mean of a histogram over all instances. */
export function mean(name: Histogram): string {
  return `sum(${rate(`${name}_sum`)}) / sum(${rate(`${name}_count`)})`;
}

/** A figure of the database, which every worker tells alike. */
export function figure(name: keyof typeof databaseMetrics, ...by: string[]): string {
  const apart = by.length === 0 ? '' : ` by (${by.join(', ')}) `;
  return `max${apart}(${of(name)})`;
}

/** Alerts that fire, those among them that could not tell of which installation they are. */
export const firing =
  'max by (alertname, severity) (ALERTS{alertname=~"Quartermaster.*",alertstate="firing",namespace=~"$namespace|",release=~"$release|"})';

/** A counter's rise within the time as a whole number, which extrapolation makes a broken one. */
export function count(name: Series, within: string): string {
  return `round(sum(${rise(name, within)}))`;
}
