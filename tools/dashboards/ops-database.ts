import type { Row } from './dashboard.ts';
import { blockedSeconds, figuresAgeSeconds, serverShare } from './limits.ts';
import { figure, hourly, of, quantile, rate } from './series.ts';

export const database: Row = {
  title: 'Database',
  height: 8,
  panels: [
    {
      type: 'timeseries',
      title: 'Connections by pool and state',
      description: 'Of all processes chosen above. Pools open what they need, up to QM_POOL_MAX each.',
      unit: 'short',
      width: 8,
      stacked: true,
      queries: [
        { expr: `sum by (pool, state) (${of('database_connections')})`, legend: '{{pool}} {{state}}' },
      ],
    },
    {
      type: 'timeseries',
      title: 'Open connections, as a share of what the pool may have',
      description:
        'The fullest process of each pool. At 100 % callers wait, which the next panels show. The probe of the replica is left out: it has one connection and uses it.',
      unit: 'percentunit',
      width: 8,
      max: 1,
      queries: [
        {
          expr: `max by (pool) (sum by (instance, pool) (${of('database_connections', 'pool!="probe"')}) / sum by (instance, pool) (${of('database_connections_limit')}))`,
          legend: '{{pool}}',
        },
      ],
    },
    {
      type: 'timeseries',
      title: 'Callers that wait for a connection',
      description:
        'Nothing here is healthy; a wait that lasts is a pool that is too small, or a database that is slow.',
      unit: 'short',
      width: 8,
      queries: [{ expr: `sum by (pool) (${of('database_callers_waiting')})`, legend: '{{pool}}' }],
    },
    {
      type: 'timeseries',
      title: 'Wait for a connection',
      description: '95 % of the callers get one within this, by pool.',
      unit: 's',
      width: 8,
      queries: [{ expr: quantile(0.95, 'database_acquire_duration_seconds', ['pool']), legend: '{{pool}}' }],
    },
    {
      type: 'timeseries',
      title: 'Errors by class',
      description:
        'What the database complains of. Single ones are of no account; a steady rate of one class is.',
      unit: 'ops',
      width: 8,
      bars: true,
      stacked: true,
      none: 'none',
      queries: [
        { expr: `sum by (pool, class) (${rate('database_errors_total')}) > 0`, legend: '{{pool}} {{class}}' },
      ],
    },
    {
      type: 'timeseries',
      title: 'Statements tried again',
      description: 'What was mended by trying once more and nobody noticed, by class of the error.',
      unit: 'ops',
      width: 8,
      bars: true,
      stacked: true,
      none: 'none',
      queries: [{ expr: `sum by (class) (${rate('database_retries_total')}) > 0`, legend: '{{class}}' }],
    },
    {
      type: 'timeseries',
      title: 'Connections of the server',
      description:
        'Of all its clients, as a share of what it lets in. At 100 % no new process can start, and pools that grow get errors.',
      unit: 'percentunit',
      width: 8,
      max: 1,
      thresholds: serverShare,
      queries: [
        {
          expr: `${figure('server_connections')} / ${figure('server_connections_limit')}`,
          legend: 'taken',
        },
      ],
    },
    {
      type: 'timeseries',
      title: 'How far the replica is behind',
      description:
        'As each process sees it. Beyond QM_REPLICA_MAX_LAG the replica is left alone. Empty without a replica.',
      unit: 's',
      width: 8,
      none: 'no replica',
      queries: [{ expr: `max by (instance) (${of('replica_lag_seconds')})`, legend: '{{instance}}' }],
    },
    {
      type: 'timeseries',
      title: 'Processes by what they make of the replica',
      description: 'While a process leaves the replica alone, the primary has its reads to answer as well.',
      unit: 'short',
      width: 8,
      stacked: true,
      none: 'no replica',
      queries: [{ expr: `sum by (state) (${of('replica_state')})`, legend: '{{state}}' }],
    },
    {
      type: 'timeseries',
      title: 'Reads by server',
      description:
        'By kind of read. point is what must not be older than what was seen before, such as the next page of a list.',
      unit: 'reqps',
      width: 8,
      stacked: true,
      queries: [{ expr: `sum by (server, kind) (${rate('reads_total')})`, legend: '{{server}} {{kind}}' }],
    },
    {
      type: 'timeseries',
      title: 'Why reads went to the primary',
      description:
        'The kind of the read, the state of the replica, a position it had not reached, or a failure.',
      unit: 'reqps',
      width: 8,
      stacked: true,
      queries: [{ expr: `sum by (why) (${rate('reads_total', 'server="primary"')})`, legend: '{{why}}' }],
    },
    {
      type: 'timeseries',
      title: 'Reading the figures of this page',
      description:
        'How long the last reading took, and how old it is, of each worker. The age rises while the database does not answer.',
      unit: 's',
      width: 8,
      thresholds: figuresAgeSeconds,
      queries: [
        {
          expr: `max by (instance) (${of('database_figures_duration_seconds')})`,
          legend: 'took, {{instance}}',
        },
        { expr: `max by (instance) (${of('database_figures_age_seconds')})`, legend: 'age, {{instance}}' },
      ],
    },
    {
      type: 'timeseries',
      title: 'Readings of the figures that failed',
      description: 'Per hour and worker. A few are a restart of the database; many, and the figures are old.',
      unit: 'suffix:per hour',
      width: 8,
      bars: true,
      none: 'none',
      queries: [
        {
          expr: `max by (instance) (${rate('database_figures_failures_total')}) * 3600 > 0`,
          legend: '{{instance}}',
        },
      ],
    },
    {
      type: 'timeseries',
      title: 'Lock waits given up, to be tried again',
      description:
        'Maintenance waits for a lock only for a moment, so that it never queues writers behind it.',
      unit: 'suffix:per hour',
      width: 8,
      bars: true,
      none: 'none',
      queries: [{ expr: hourly('relation', 'lock_timeouts_total'), legend: '{{relation}}' }],
    },
    {
      type: 'timeseries',
      title: 'Who is in the way of maintenance',
      description:
        'Age of the oldest transaction that maintenance of a table waits for. The log of the worker has its pid.',
      unit: 's',
      width: 8,
      thresholds: blockedSeconds,
      none: 'nobody',
      queries: [{ expr: `max by (relation) (${of('blocked_by_age_seconds')})`, legend: '{{relation}}' }],
    },
  ],
};
