import type { Row } from './dashboard.ts';
import {
  detachPendingSeconds,
  freezeShare,
  freezeTransactions,
  hotRatio,
  indexBytes,
  summariesSeconds,
  warned,
} from './limits.ts';
import { figure, of, rate } from './series.ts';

export const upkeep: Row = {
  title: 'Partitions and their care',
  height: 8,
  panels: [
    {
      type: 'timeseries',
      title: 'Partitions by state',
      description:
        'Of all tables. pending_detach is a quarter half way out, which readers do not see: it must not stay.',
      unit: 'short',
      width: 8,
      stacked: true,
      queries: [{ expr: `sum by (state) (${figure('partitions', 'table', 'state')})`, legend: '{{state}}' }],
    },
    {
      type: 'timeseries',
      title: 'Size of the partitions',
      description: 'With their indexes, by table: how fast the ledger grows, and where.',
      unit: 'bytes',
      width: 8,
      stacked: true,
      queries: [
        { expr: `sum by (table) (${figure('partition_bytes', 'table', 'state')})`, legend: '{{table}}' },
      ],
    },
    {
      type: 'stat',
      title: 'A quarter is half detached for',
      description:
        'Its rows are hidden from readers until the detach is finished, which any worker does at its next run.',
      unit: 's',
      width: 4,
      thresholds: detachPendingSeconds,
      none: 'none is',
      queries: [{ expr: figure('pending_detach_age_seconds') }],
    },
    {
      type: 'stat',
      title: 'Drift',
      description:
        'What the last reconcile found otherwise than it should be, by code; docs/errors.md and the log explain.',
      unit: 'short',
      decimals: 0,
      width: 4,
      thresholds: warned,
      named: true,
      none: 'none',
      queries: [{ expr: `${figure('drift', 'code')} > 0`, legend: '{{code}}' }],
    },
    {
      type: 'bargauge',
      title: 'Tables whose statistics are old',
      description: 'By reason. Plans may turn bad while this lasts; the job analyze-partitions mends it.',
      unit: 'short',
      decimals: 0,
      width: 8,
      thresholds: warned,
      none: 'none',
      queries: [{ expr: figure('stale_statistics', 'reason'), legend: '{{reason}}' }],
    },
    {
      type: 'bargauge',
      title: 'Indexes that want care',
      description:
        'Their size, by what is wrong with them, as the last audit found. `quartermaster indexes` names them.',
      unit: 'bytes',
      width: 8,
      thresholds: indexBytes,
      none: 'none',
      queries: [{ expr: figure('index_bytes', 'finding'), legend: '{{finding}}' }],
    },
    {
      type: 'timeseries',
      title: 'Updates that needed no new index entry',
      description:
        'Balances are updated with every posting: what sinks here makes posting dearer and the table grow.',
      unit: 'percentunit',
      width: 8,
      max: 1,
      thresholds: hotRatio,
      queries: [{ expr: figure('hot_update_ratio', 'table'), legend: '{{table}}' }],
    },
    {
      type: 'timeseries',
      title: 'Way to a forced vacuum',
      description:
        'Age of the oldest transaction that is not frozen, as a share of the age at which the server begins vacuums that nothing stops.',
      unit: 'percentunit',
      width: 6,
      thresholds: freezeShare,
      queries: [
        {
          expr: `${figure('freeze_age_transactions')} / ${figure('freeze_limit_transactions')}`,
          legend: 'age',
        },
      ],
    },
    {
      type: 'timeseries',
      title: 'Transactions since the oldest that is not frozen',
      description: 'At 2.1 thousand million the server takes no more writes until tables were vacuumed.',
      unit: 'short',
      width: 6,
      thresholds: freezeTransactions,
      queries: [{ expr: figure('freeze_age_transactions'), legend: 'age' }],
    },
    {
      type: 'timeseries',
      title: 'Postings the summaries do not have yet',
      description:
        'Age of the oldest one. Reports stay exact, for they count such days row by row, but become slow.',
      unit: 's',
      width: 6,
      thresholds: summariesSeconds,
      queries: [{ expr: figure('summaries_lag_seconds'), legend: 'age' }],
    },
    {
      type: 'timeseries',
      title: 'Days that wait to be summed up',
      description: 'Falls to nothing after a load; what only rises is a refresh that does not keep up.',
      unit: 'short',
      width: 6,
      queries: [{ expr: figure('summaries_marked'), legend: 'days' }],
    },
  ],
};

export const process: Row = {
  title: 'Processes',
  height: 8,
  panels: [
    {
      type: 'timeseries',
      title: 'Memory',
      description: 'What the system gives each process. Near the limit of the pod it is killed.',
      unit: 'bytes',
      width: 8,
      queries: [
        { expr: `max by (instance) (${of('process_resident_memory_bytes')})`, legend: '{{instance}}' },
      ],
    },
    {
      type: 'timeseries',
      title: 'Heap',
      description: 'What JavaScript objects take. What only ever rises is a leak.',
      unit: 'bytes',
      width: 8,
      queries: [{ expr: `max by (instance) (${of('nodejs_heap_size_used_bytes')})`, legend: '{{instance}}' }],
    },
    {
      type: 'timeseries',
      title: 'Processor',
      description: '100 % is one core. An API process rarely uses more.',
      unit: 'percentunit',
      width: 8,
      queries: [{ expr: `sum by (instance) (${rate('process_cpu_seconds_total')})`, legend: '{{instance}}' }],
    },
    {
      type: 'timeseries',
      title: 'Event loop lag',
      description:
        '99 % of the turns of the event loop come within this. Above 100 ms everything in the process is late.',
      unit: 's',
      width: 8,
      queries: [
        { expr: `max by (instance) (${of('nodejs_eventloop_lag_p99_seconds')})`, legend: '{{instance}}' },
      ],
    },
    {
      type: 'timeseries',
      title: 'Garbage collection',
      description: 'Share of the time that it takes. Above a tenth the process is short of memory.',
      unit: 'percentunit',
      width: 8,
      queries: [
        { expr: `sum by (instance) (${rate('nodejs_gc_duration_seconds_sum')})`, legend: '{{instance}}' },
      ],
    },
    {
      type: 'timeseries',
      title: 'Open files and sockets',
      description: 'As a share of what the system allows.',
      unit: 'percentunit',
      width: 8,
      queries: [
        {
          expr: `max by (instance) (${of('process_open_fds')} / ${of('process_max_fds')})`,
          legend: '{{instance}}',
        },
      ],
    },
    {
      type: 'timeseries',
      title: 'Running for',
      description: 'Since the process was started. A saw is a process that is killed again and again.',
      unit: 's',
      width: 24,
      queries: [
        { expr: `time() - max by (instance) (${of('process_start_time_seconds')})`, legend: '{{instance}}' },
      ],
    },
  ],
};
