import type { Row } from './dashboard.ts';
import {
  errorShare,
  figuresAgeSeconds,
  horizonDays,
  jobsWaitingSeconds,
  plain,
  slowSeconds,
  some,
  warned,
} from './limits.ts';
import { figure, firing, of, rate } from './series.ts';

/** What clients come for: neither probes nor scrapes, which never fail and are always quick. */
const asked = 'route=~"/v1/.*"';
const quick = ['route=~"/v1/ledgers/.*"', 'route!~".*/loads.*"'];

/** What somebody who was woken looks at first. */
export const glance: Row = {
  title: 'Health at a glance',
  height: 4,
  panels: [
    {
      type: 'stat',
      title: 'Writes find a partition for',
      description:
        'The time until writes would have no open quarter to go to. Red under one quarter, amber under two: the job reconcile-partitions creates quarters ahead of time, and does not when this sinks.',
      unit: 'suffix:days',
      decimals: 0,
      width: 6,
      thresholds: horizonDays,
      none: 'no worker tells',
      queries: [{ expr: `${figure('horizon_seconds')} / 86400` }],
    },
    {
      type: 'stat',
      title: 'Requests that fail',
      description:
        'Share of the requests answered with a 5xx status. 503 with code overloaded means that more is posted than the database takes.',
      unit: 'percentunit',
      decimals: 2,
      width: 6,
      thresholds: errorShare,
      none: 'no requests',
      queries: [
        {
          expr: `(sum(${rate('http_request_duration_seconds_count', 'status=~"5.."', asked)}) or vector(0)) / (sum(${rate('http_request_duration_seconds_count', asked)}) > 0)`,
        },
      ],
    },
    {
      type: 'stat',
      title: '99 % of requests are answered within',
      description:
        'Requests to ledgers without loads, of the slowest method. The row on the API tells which route is slow.',
      unit: 's',
      width: 6,
      thresholds: slowSeconds,
      none: 'no requests',
      queries: [
        {
          expr: `max(histogram_quantile(0.99, sum by (method, le) (${rate('http_request_duration_seconds_bucket', ...quick)}))) >= 0`,
        },
      ],
    },
    {
      type: 'stat',
      title: 'Alerts that fire',
      description: 'The table below names them. Each has a runbook, to which the alert leads.',
      unit: 'short',
      decimals: 0,
      width: 6,
      thresholds: warned,
      queries: [{ expr: `count(${firing}) or vector(0)` }],
    },
    {
      type: 'stat',
      title: 'Pods of the API that are ready',
      description:
        'Each looks by itself every 15 seconds whether it reaches its database. Without one of them nothing can be posted or read.',
      unit: 'short',
      decimals: 0,
      width: 5,
      thresholds: some,
      none: 'none tells',
      queries: [{ expr: `sum(${of('ready', 'process="api"')})` }],
    },
    {
      type: 'stat',
      title: 'Quarters that need a person',
      description:
        'Quarters whose next steps wait behind one that failed. `quartermaster quarters show QUARTER` tells why.',
      unit: 'short',
      decimals: 0,
      width: 5,
      thresholds: warned,
      none: 'no worker tells',
      queries: [{ expr: figure('quarter_lines_blocked') }],
    },
    {
      type: 'stat',
      title: 'Oldest job that waits for a worker',
      description:
        'Seconds while there are enough workers; minutes when there are too few, or none that work.',
      unit: 's',
      decimals: 0,
      width: 5,
      thresholds: jobsWaitingSeconds,
      none: 'no worker tells',
      queries: [{ expr: figure('queue_oldest_ready_seconds') }],
    },
    {
      type: 'stat',
      title: 'Age of the figures',
      description:
        'Figures of the database are read by workers now and then. When this rises, the database is slow or away for a worker at least, and every figure of it on this page may be as old.',
      unit: 's',
      decimals: 0,
      width: 5,
      thresholds: figuresAgeSeconds,
      none: 'no worker tells',
      queries: [{ expr: figure('database_figures_age_seconds') }],
    },
    {
      type: 'stat',
      title: 'Processes',
      description:
        'How many run, by what they do and their version. Two versions at once are an upgrade under way.',
      unit: 'short',
      decimals: 0,
      width: 4,
      thresholds: plain,
      named: true,
      none: 'none',
      queries: [
        { expr: `count by (process, version) (${of('build_info')})`, legend: '{{process}} {{version}}' },
      ],
    },
  ],
};

export const happening: Row = {
  title: 'What is going on',
  height: 6,
  panels: [
    {
      type: 'table',
      title: 'Alerts that fire now',
      description: 'By name. The runbook of each is docs/runbooks in the source, and the link in the alert.',
      unit: 'short',
      width: 8,
      none: 'none',
      queries: [{ expr: firing }],
      columns: [
        { from: 'alertname', title: 'Alert' },
        { from: 'severity', title: 'Severity' },
      ],
    },
    {
      type: 'state-timeline',
      title: 'Processes that Prometheus reaches',
      description:
        'A process is there while it answers its scrapes. A red stretch is one that hung or was killed; a line that ends was taken away.',
      unit: 'none',
      width: 8,
      words: { '1': { text: 'answers', color: 'green' }, '0': { text: 'silent', color: 'red' } },
      queries: [
        {
          expr: `max by (job, instance, process) (max_over_time(${of('build_info')}[1d])) * on (job, instance) group_left () up`,
          legend: '{{process}} {{instance}}',
        },
      ],
    },
    {
      type: 'stat',
      title: 'Switched off by a setting',
      description: 'Schedules that do nothing because somebody switched them off. Meant to be for a while.',
      unit: 'none',
      width: 8,
      thresholds: warned,
      named: true,
      none: 'nothing',
      words: { '1': { text: 'off', color: 'orange' } },
      queries: [{ expr: `max by (setting) (${of('switched_off')})`, legend: '{{setting}}' }],
    },
  ],
};
