import type { Row } from './dashboard.ts';
import { jobsWaitingSeconds, silence } from './limits.ts';
import { figure, hourly, of, quantile } from './series.ts';

const lastSuccess = figure('schedule_last_success_timestamp_seconds', 'job_name');
const interval = figure('schedule_interval_seconds', 'job_name');

export const jobs: Row = {
  title: 'Jobs',
  height: 8,
  panels: [
    {
      type: 'table',
      title: 'Schedules',
      description:
        'When each job last ended well. At 100 % two of its turns are past, a quarter of an hour is over as well, and an alert calls it silent.',
      unit: 'short',
      width: 16,
      none: 'no worker tells',
      queries: [
        { expr: `${lastSuccess} * 1000` },
        { expr: interval },
        { expr: `(time() - ${lastSuccess}) / (2 * ${interval} + 900)` },
        { expr: `${figure('job_last_failure_timestamp_seconds', 'job_name')} * 1000` },
      ],
      columns: [
        { from: 'job_name', title: 'Job' },
        { from: 'A', title: 'Succeeded', unit: 'dateTimeFromNow', none: 'never' },
        { from: 'B', title: 'Every', unit: 's' },
        { from: 'C', title: 'Of what it may take', unit: 'percentunit', thresholds: silence },
        { from: 'D', title: 'Failed', unit: 'dateTimeFromNow', none: 'never' },
      ],
    },
    {
      type: 'bargauge',
      title: 'Jobs in the queues',
      description: 'By queue and state. What failed stays until somebody looks, or its quarter goes on.',
      unit: 'short',
      decimals: 0,
      width: 8,
      none: 'none',
      thresholds: ['blue'],
      queries: [{ expr: `${figure('queue_jobs', 'queue', 'state')} > 0`, legend: '{{queue}} {{state}}' }],
    },
    {
      type: 'timeseries',
      title: 'Runs by job',
      description: 'What the workers do all day, in runs that ended, well or not.',
      unit: 'suffix:per hour',
      width: 8,
      stacked: true,
      queries: [{ expr: hourly('job_name', 'job_duration_seconds_count'), legend: '{{job_name}}' }],
    },
    {
      type: 'timeseries',
      title: 'Runs that failed, by job and kind',
      description:
        'The kind tells who can mend it: unavailable mends itself, corrupt is an archive that is not as it was.',
      unit: 'suffix:per hour',
      width: 8,
      bars: true,
      none: 'none',
      queries: [
        {
          expr: hourly('job_name, outcome', 'job_duration_seconds_count', 'outcome!="done"'),
          legend: '{{job_name}} {{outcome}}',
        },
      ],
    },
    {
      type: 'timeseries',
      title: 'How long runs take',
      description: '95 % of the runs of an hour take less, by job.',
      unit: 's',
      width: 8,
      queries: [{ expr: quantile(0.95, 'job_duration_seconds', ['job_name'], '1h'), legend: '{{job_name}}' }],
    },
    {
      type: 'timeseries',
      title: 'How long jobs wait for a worker',
      description:
        '95 % of the jobs of an hour are taken within this. Minutes are a sign of too few workers.',
      unit: 's',
      width: 6,
      queries: [{ expr: quantile(0.95, 'job_wait_seconds', ['job_name'], '1h'), legend: '{{job_name}}' }],
    },
    {
      type: 'timeseries',
      title: 'Oldest job that is ready, by queue',
      description:
        'For how long it could have been run. It rises without end when no worker works on the queue.',
      unit: 's',
      width: 6,
      thresholds: jobsWaitingSeconds,
      queries: [{ expr: figure('queue_oldest_ready_seconds', 'queue'), legend: '{{queue}}' }],
    },
    {
      type: 'timeseries',
      title: 'Jobs that run',
      description: 'By job, over all workers. An archive may run for hours, the others for seconds.',
      unit: 'short',
      width: 6,
      bars: true,
      none: 'none',
      stacked: true,
      queries: [{ expr: `sum by (job_name) (${of('jobs_in_progress')}) > 0`, legend: '{{job_name}}' }],
    },
    {
      type: 'timeseries',
      title: 'Taken over from a worker that died',
      description:
        'A few are an upgrade or a lost node; many are workers that are killed, for their memory perhaps.',
      unit: 'suffix:per hour',
      width: 6,
      bars: true,
      none: 'none',
      queries: [{ expr: `${hourly('job_name', 'job_takeovers_total')} > 0`, legend: '{{job_name}}' }],
    },
  ],
};
