import type { Row } from './dashboard.ts';
import { queueShare } from './limits.ts';
import { mean, of, quantile, rate } from './series.ts';

export const api: Row = {
  title: 'API',
  height: 8,
  panels: [
    {
      type: 'timeseries',
      title: 'Requests by route',
      description: 'What clients ask for, by the template of the route.',
      unit: 'reqps',
      width: 8,
      stacked: true,
      queries: [
        {
          expr: `sum by (method, route) (${rate('http_request_duration_seconds_count')})`,
          legend: '{{method}} {{route}}',
        },
      ],
    },
    {
      type: 'timeseries',
      title: 'Requests by status',
      description: '4xx is what clients did wrong, 409 and 422 among them refusals; 5xx is ours.',
      unit: 'reqps',
      width: 8,
      stacked: true,
      queries: [
        { expr: `sum by (status) (${rate('http_request_duration_seconds_count')})`, legend: '{{status}}' },
      ],
    },
    {
      type: 'timeseries',
      title: 'Requests that fail, by route',
      description: 'Only those answered with 5xx. Empty when all is well.',
      unit: 'reqps',
      width: 8,
      none: 'none',
      queries: [
        {
          expr: `sum by (route, status) (${rate('http_request_duration_seconds_count', 'status=~"5.."')})`,
          legend: '{{status}} {{route}}',
        },
      ],
    },
    {
      type: 'timeseries',
      title: 'Time to answer',
      description: 'Half, 95 % and 99 % of the requests are answered within this.',
      unit: 's',
      width: 8,
      queries: [0.5, 0.95, 0.99].map((share) => ({
        expr: quantile(share, 'http_request_duration_seconds'),
        legend: `${share * 100} %`,
      })),
    },
    {
      type: 'timeseries',
      title: 'Time to answer 95 %, by route',
      description: 'Which route is slow: half of a hundred routes may be quick and one not.',
      unit: 's',
      width: 8,
      queries: [
        {
          expr: quantile(0.95, 'http_request_duration_seconds', ['method', 'route']),
          legend: '{{method}} {{route}}',
        },
      ],
    },
    {
      type: 'timeseries',
      title: 'Requests in flight',
      description:
        'Requests that are being answered, by process. A rise without more requests is a wait for something.',
      unit: 'short',
      width: 8,
      queries: [{ expr: `sum by (instance) (${of('http_requests_in_flight')})`, legend: '{{instance}}' }],
    },
    {
      type: 'heatmap',
      title: 'How long requests take',
      description:
        'The darker, the more requests took that long. Two bands are two kinds of requests, or a cold cache.',
      unit: 'short',
      width: 24,
      queries: [{ expr: `sum by (le) (${rate('http_request_duration_seconds_bucket')})`, legend: '{{le}}' }],
    },
  ],
};

export const posting: Row = {
  title: 'Posting',
  height: 8,
  panels: [
    {
      type: 'timeseries',
      title: 'Transactions by outcome',
      description:
        'What became of the transactions that clients asked for. recorded is one that failed elsewhere, replayed one that was booked before.',
      unit: 'ops',
      width: 8,
      stacked: true,
      queries: [{ expr: `sum by (outcome) (${rate('posting_transactions_total')})`, legend: '{{outcome}}' }],
    },
    {
      type: 'timeseries',
      title: 'Why transactions are not booked',
      description: 'By the code of the refusal or the failure; docs/errors.md explains each.',
      unit: 'ops',
      width: 8,
      stacked: true,
      bars: true,
      none: 'all are booked',
      queries: [
        {
          expr: `sum by (outcome, reason) (${rate('posting_transactions_total', 'outcome=~"refused|failed"')}) > 0`,
          legend: '{{outcome}} {{reason}}',
        },
      ],
    },
    {
      type: 'timeseries',
      title: 'Answered from an idempotency key',
      description:
        'Requests that were made before. Clients that repeat themselves did not hear the first answer.',
      unit: 'reqps',
      width: 8,
      queries: [{ expr: `sum(${rate('posting_replays_total')})`, legend: 'repeated' }],
    },
    {
      type: 'timeseries',
      title: 'Transactions in a batch',
      description:
        'One means that callers come one at a time; hundreds, that many wait for the same database.',
      unit: 'short',
      width: 8,
      queries: [
        { expr: mean('posting_batch_size'), legend: 'mean' },
        { expr: quantile(0.95, 'posting_batch_size'), legend: '95 %' },
      ],
    },
    {
      type: 'timeseries',
      title: 'Time in which a batch is posted',
      description: '95 % of the batches take less, by how they ended. What rises here is the database.',
      unit: 's',
      width: 8,
      queries: [
        { expr: quantile(0.95, 'posting_batch_duration_seconds', ['outcome']), legend: '{{outcome}}' },
      ],
    },
    {
      type: 'timeseries',
      title: 'Wait before a batch',
      description:
        'How long requests wait until their batch begins. It rises when more comes than is posted.',
      unit: 's',
      width: 8,
      queries: [0.5, 0.95, 0.99].map((share) => ({
        expr: quantile(share, 'posting_wait_seconds'),
        legend: `${share * 100} %`,
      })),
    },
    {
      type: 'timeseries',
      title: 'Queue, as a share of its limit',
      description: 'At 100 % (QM_QUEUE_MAX) callers are sent away with 503 and told when to come again.',
      unit: 'percentunit',
      width: 8,
      max: 1,
      thresholds: queueShare,
      queries: [
        {
          expr: `max by (instance) (${of('posting_queue_transactions')} / ${of('posting_queue_limit')})`,
          legend: '{{instance}}',
        },
      ],
    },
    {
      type: 'timeseries',
      title: 'Batches in flight',
      description:
        'Batches that are being posted, by process. A line that stays at its top is a process at its limit.',
      unit: 'short',
      width: 8,
      queries: [{ expr: `sum by (instance) (${of('posting_batches_in_flight')})`, legend: '{{instance}}' }],
    },
    {
      type: 'timeseries',
      title: 'Rows of loads',
      description: 'How fast loads come in, and how much of them is rejected.',
      unit: 'ops',
      width: 8,
      stacked: true,
      none: 'no load runs',
      queries: [{ expr: `sum by (outcome) (${rate('load_rows_total')})`, legend: '{{outcome}}' }],
    },
  ],
};
