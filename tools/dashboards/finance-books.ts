import type { Row } from './dashboard.ts';
import { fixityDays, summariesSeconds, woken } from './limits.ts';
import { count, figure, rise } from './series.ts';

/** A point of `every: '1d'` tells of the day before it, and Prometheus knows no zones. */
const byDay = 'A bar stands at the end of its day, and days are those of UTC.';

export const archives: Row = {
  title: 'Archives',
  height: 8,
  panels: [
    {
      type: 'stat',
      title: 'Archives',
      description: 'Quarters that have an archive in the store.',
      unit: 'short',
      decimals: 0,
      width: 4,
      none: 'no worker tells',
      queries: [{ expr: figure('archives') }],
    },
    {
      type: 'stat',
      title: 'Not read for',
      description:
        'Time since the archive that waits longest was last read from end to end. All of them are within QM_FIXITY_DAYS, 90 unless set otherwise.',
      unit: 'suffix:days',
      decimals: 0,
      width: 4,
      thresholds: fixityDays,
      none: 'no archive',
      queries: [{ expr: `${figure('archive_fixity_age_seconds')} / 86400` }],
    },
    {
      type: 'timeseries',
      title: 'Size of the archives',
      description: 'What the store holds. It should only ever grow.',
      unit: 'bytes',
      width: 8,
      queries: [{ expr: figure('archive_bytes'), legend: 'bytes' }],
    },
    {
      type: 'timeseries',
      title: 'Rows in the archives',
      description: 'By table. Together they are what has left the database, or will.',
      unit: 'short',
      width: 8,
      stacked: true,
      none: 'no archive',
      queries: [{ expr: figure('archive_rows', 'table'), legend: '{{table}}' }],
    },
    {
      type: 'timeseries',
      title: 'Longest time an archive was not read',
      description:
        'Falls when the archive that waits longest is read again. A line that only rises is a check that does not run.',
      unit: 'suffix:days',
      width: 12,
      thresholds: fixityDays,
      none: 'no archive',
      queries: [{ expr: `${figure('archive_fixity_age_seconds')} / 86400`, legend: 'days' }],
    },
    {
      type: 'timeseries',
      title: 'Readings that found damage, by day',
      description: `A damaged archive is read again each day, and counted each time. One is enough to call the engineers. ${byDay}`,
      unit: 'short',
      width: 12,
      bars: true,
      every: '1d',
      queries: [{ expr: count('fixity_failures_total', '1d'), legend: 'readings' }],
    },
  ],
};

export const books: Row = {
  title: 'Books',
  height: 8,
  panels: [
    {
      type: 'timeseries',
      title: 'Booked, by day',
      description: `Transactions that were posted, and rows of files that were loaded. Counted by the processes, so a few may be missing where one was killed; the summaries are exact. ${byDay}`,
      unit: 'short',
      width: 8,
      bars: true,
      stacked: true,
      every: '1d',
      queries: [
        {
          expr: `sum(${rise('posting_transactions_total', '1d', 'outcome="booked"')})`,
          legend: 'posted',
        },
        { expr: `sum(${rise('load_rows_total', '1d', 'outcome="booked"')})`, legend: 'loaded' },
      ],
    },
    {
      type: 'timeseries',
      title: 'Answers to posting requests, by day',
      description: `What callers were told, transaction by transaction, without loads. Replayed, refused, failed and freed are booked by none of them. ${byDay}`,
      unit: 'short',
      width: 8,
      bars: true,
      stacked: true,
      every: '1d',
      queries: [
        { expr: `sum by (outcome) (${rise('posting_transactions_total', '1d')})`, legend: '{{outcome}}' },
      ],
    },
    {
      type: 'timeseries',
      title: 'Not booked, by day and reason',
      description: `docs/errors.md explains each code. ${byDay}`,
      unit: 'short',
      width: 8,
      bars: true,
      stacked: true,
      every: '1d',
      none: 'all were booked',
      queries: [
        {
          expr: `sum by (reason) (${rise('posting_transactions_total', '1d', 'outcome=~"refused|failed"')}) > 0`,
          legend: '{{reason}}',
        },
      ],
    },
    {
      type: 'timeseries',
      title: 'Rows of loads, by day',
      description: `Rows of files that were loaded, by what became of them. ${byDay}`,
      unit: 'short',
      width: 12,
      bars: true,
      stacked: true,
      every: '1d',
      none: 'no load',
      queries: [{ expr: `sum by (outcome) (${rise('load_rows_total', '1d')})`, legend: '{{outcome}}' }],
    },
    {
      type: 'timeseries',
      title: 'How late the summaries are',
      description: 'Age of the oldest posting that they do not have yet.',
      unit: 's',
      width: 12,
      thresholds: summariesSeconds,
      queries: [{ expr: figure('summaries_lag_seconds'), legend: 'age' }],
    },
    {
      type: 'timeseries',
      title: 'Wrong rows found in summaries, by day',
      description: `A sample of days is compared with the ledger every night. ${byDay}`,
      unit: 'short',
      width: 12,
      bars: true,
      every: '1d',
      queries: [{ expr: count('summaries_differences_total', '1d'), legend: 'rows' }],
    },
    {
      type: 'timeseries',
      title: 'Imbalances found',
      description: 'What the last check of the balances found. It must be 0 at all times.',
      unit: 'short',
      width: 12,
      thresholds: woken,
      queries: [{ expr: figure('ledger_imbalances'), legend: 'imbalances' }],
    },
  ],
};
