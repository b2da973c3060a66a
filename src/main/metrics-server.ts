import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { toAppError } from '../db/sqlstate.ts';
import { problemOf } from '../http/problem.ts';
import type { Logger } from '../platform/logger.ts';
import type { MetricsPage } from '../platform/metrics.ts';
import { createReadiness, type ReadinessCheck } from '../platform/readiness.ts';
import type { Service } from '../platform/service.ts';

export interface MetricsServerOptions {
  readonly host: string;
  /** 0 for none at all. */
  readonly port: number;
  readonly version: string;
  readonly logger: Logger;
  /** What has to be well for `/readyz`. */
  readonly checks: readonly ReadinessCheck[];
  /** Told of each look at the checks whether all was well. */
  readonly onReadiness?: (isReady: boolean) => void;
}

/**
 * `/metrics`, `/healthz` and `/readyz` of a process that serves nothing else. A port that is taken is said and no more: the work
 * of a worker is worth more than its figures, and whoever asks for its health there notices.
 */
export function createMetricsServer(page: MetricsPage, options: MetricsServerOptions): Service {
  const { host, port, version, logger } = options;
  const look = createReadiness(options.checks, toAppError, options.onReadiness);

  /** As the API answers it. */
  async function readiness(): Promise<[status: number, type: string, body: object]> {
    const id = randomUUID();
    const { checks, error } = await look(logger.child({ request_id: id }));
    if (error === undefined) return [200, 'application/json', { status: 'ready', checks }];
    return [503, 'application/problem+json', { ...problemOf(error, id), checks }];
  }

  const server = createServer((request, response) => {
    const answer = (status: number, type: string, body: string) => {
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
      response.end(request.method === 'HEAD' ? undefined : body);
    };
    const fail = (what: string) => (error: unknown) => {
      logger.error({ err: error }, what);
      answer(500, 'text/plain', 'See the log.\n');
    };
    const path = request.url?.split('?', 1)[0];
    if (request.method !== 'GET' && request.method !== 'HEAD') answer(405, 'text/plain', 'GET it.\n');
    else if (path === '/healthz') answer(200, 'application/json', JSON.stringify({ status: 'ok', version }));
    else if (path === '/readyz') {
      readiness().then(
        ([status, type, body]) => answer(status, type, JSON.stringify(body)),
        fail('readiness could not be told'),
      );
    } else if (path === '/metrics') {
      page
        .render()
        .then((text) => answer(200, page.contentType, text), fail('metrics could not be rendered'));
    } else answer(404, 'text/plain', 'There is /metrics, /healthz and /readyz.\n');
  });
  server.headersTimeout = 5000;
  server.requestTimeout = 5000;

  return {
    name: 'metrics',
    start: async () => {
      if (port === 0) return;
      const listening = Promise.withResolvers<void>();
      server.once('error', listening.reject);
      server.listen(port, host, () => listening.resolve());
      try {
        await listening.promise;
        server.off('error', listening.reject);
      } catch (error) {
        logger.warn(
          { err: error, host, port },
          'neither health nor metrics are served here: set QM_WORKER_PORT',
        );
      }
    },
    stop: async () => {
      if (!server.listening) return;
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  };
}
