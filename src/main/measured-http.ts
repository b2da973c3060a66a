import { STATUS_CODES } from 'node:http';
import { CLIENT_GONE } from '../http/request-log.ts';
import type { RequestMeter } from '../http/request-meter.ts';
import type { Metrics } from '../platform/metrics.ts';

/** The methods that have a value of their own; a client may send whatever Node's parser knows. */
export const methods: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
]);

const statuses: ReadonlySet<string> = new Set([...Object.keys(STATUS_CODES), String(CLIENT_GONE)]);

/** Counts requests. Nothing a client sends becomes the value of a label as it came. */
export function measuredRequests(metrics: Metrics): RequestMeter {
  const observe = (method: string, route: string, status: number, seconds: number) =>
    metrics.observe('http_request_duration_seconds', { method, route, status: statusOf(status) }, seconds);
  metrics.set('http_requests_in_flight', {}, 0);
  return {
    onBegin: () => metrics.add('http_requests_in_flight', {}, 1),
    onEnd({ method, route, status, seconds }) {
      metrics.add('http_requests_in_flight', {}, -1);
      const known = methods.has(method) ? method : 'other';
      observe(known, route ?? 'unknown', status ?? CLIENT_GONE, seconds);
    },
    // Nobody knows when it began, nor what was wanted.
    onRefused: (status) => observe('none', 'none', status, 0),
  };
}

function statusOf(status: number): string {
  return statuses.has(String(status)) ? String(status) : 'other';
}
