import type { Dashboard, Row } from './dashboard.ts';
import { archives, books } from './finance-books.ts';
import { horizonDays, overdueDays, summariesSeconds, told, warned, woken } from './limits.ts';
import { count, figure } from './series.ts';

const wanted: Row = {
  title: 'What wants somebody',
  height: 4,
  panels: [
    {
      type: 'stat',
      title: 'Wait to be approved',
      description: 'Archives and drops that somebody asked for and somebody else has to approve.',
      unit: 'short',
      decimals: 0,
      width: 6,
      thresholds: told,
      none: 'no worker tells',
      queries: [{ expr: figure('approvals_waiting') }],
    },
    {
      type: 'stat',
      title: 'Quarters that are stuck',
      description:
        'A step of the quarter failed, and the next ones wait behind it until a person says how to go on.',
      unit: 'short',
      decimals: 0,
      width: 6,
      thresholds: warned,
      none: 'no worker tells',
      queries: [{ expr: figure('quarter_lines_blocked') }],
    },
    {
      type: 'stat',
      title: 'Imbalances',
      description:
        'Things in the balances that must never be, as the last check of them found. Anything but 0 is for engineers, today.',
      unit: 'short',
      decimals: 0,
      width: 6,
      thresholds: woken,
      none: 'not checked yet',
      queries: [{ expr: figure('ledger_imbalances') }],
    },
    {
      type: 'stat',
      title: 'Readings that found damage, 30 days',
      description: 'An archive that is not what was written is read again each day, and counted each time.',
      unit: 'short',
      decimals: 0,
      width: 6,
      thresholds: woken,
      none: 'no worker tells',
      queries: [{ expr: count('fixity_failures_total', '30d') }],
    },
    {
      type: 'stat',
      title: 'Under a legal hold',
      description: 'Quarters that stay, whatever their age, until the hold is lifted.',
      unit: 'short',
      decimals: 0,
      width: 6,
      none: 'no worker tells',
      queries: [{ expr: figure('quarters_held') }],
    },
    {
      type: 'stat',
      title: 'Summaries are behind by',
      description:
        'Age of the oldest posting that the summaries do not have yet. Totals are exact all the same; tools that read the stored days see them this late.',
      unit: 's',
      width: 6,
      thresholds: summariesSeconds,
      none: 'no worker tells',
      queries: [{ expr: figure('summaries_lag_seconds') }],
    },
    {
      type: 'stat',
      title: 'Wrong rows in summaries, 7 days',
      description:
        'Rows that were not what the ledger comes to. They are mended when they are found, and the log says which they were.',
      unit: 'short',
      decimals: 0,
      width: 6,
      thresholds: warned,
      none: 'no worker tells',
      queries: [{ expr: count('summaries_differences_total', '7d') }],
    },
    {
      type: 'stat',
      title: 'There are quarters for',
      description:
        'The time until new transactions would have no open quarter to go to. Red under one quarter, amber under two.',
      unit: 'suffix:days',
      decimals: 0,
      width: 6,
      thresholds: horizonDays,
      none: 'no worker tells',
      queries: [{ expr: `${figure('horizon_seconds')} / 86400` }],
    },
  ],
};

const quarters: Row = {
  title: 'Quarters',
  height: 8,
  panels: [
    {
      type: 'bargauge',
      title: 'Quarters by state',
      description:
        'open takes rows, closed is final, archived is in the store as well, detached and dropped have left the ledger, restored came back for a while.',
      unit: 'short',
      decimals: 0,
      width: 8,
      thresholds: ['blue'],
      none: 'no worker tells',
      queries: [{ expr: figure('quarters', 'state'), legend: '{{state}}' }],
    },
    {
      type: 'bargauge',
      title: 'Steps that could have been taken',
      description:
        'For how long the oldest quarter could have been closed, archived, detached or dropped. Empty when nothing is due.',
      unit: 'suffix:days',
      decimals: 1,
      width: 8,
      thresholds: overdueDays,
      none: 'nothing is due',
      queries: [{ expr: `${figure('quarter_step_overdue_seconds', 'verb')} / 86400`, legend: '{{verb}}' }],
    },
    {
      type: 'timeseries',
      title: 'How overdue the steps were',
      description: 'What only rises waits for somebody: an approval, a hold, a switch, or a failure.',
      unit: 'suffix:days',
      decimals: 1,
      width: 8,
      none: 'nothing was due',
      queries: [{ expr: `${figure('quarter_step_overdue_seconds', 'verb')} / 86400`, legend: '{{verb}}' }],
    },
    {
      type: 'timeseries',
      title: 'Quarters by state, over time',
      description: 'Each quarter moves on through its states, and none should stay behind.',
      unit: 'short',
      width: 8,
      stacked: true,
      queries: [{ expr: figure('quarters', 'state'), legend: '{{state}}' }],
    },
    {
      type: 'timeseries',
      title: 'Size of what is online',
      description: 'Partitions with their indexes, by state. What is detached is freed when it is dropped.',
      unit: 'bytes',
      width: 8,
      stacked: true,
      queries: [
        { expr: `sum by (state) (${figure('partition_bytes', 'table', 'state')})`, legend: '{{state}}' },
      ],
    },
    {
      type: 'timeseries',
      title: 'Approvals and holds',
      description: 'How many wait to be approved, and how many are held.',
      unit: 'short',
      width: 8,
      queries: [
        { expr: figure('approvals_waiting'), legend: 'wait to be approved' },
        { expr: figure('quarters_held'), legend: 'held' },
      ],
    },
  ],
};

export const finance: Dashboard = {
  uid: 'quartermaster-finance',
  title: 'Quartermaster: finance',
  description:
    'Where the quarters are on their way, what waits for somebody, and whether books and archives are right.',
  tags: ['finance'],
  from: 'now-30d',
  refresh: '5m',
  rows: [wanted, quarters, archives, books],
};
