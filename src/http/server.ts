import type { ServerResponse } from 'node:http';
import { AppError } from '../core/errors.ts';
import { isLoopback } from '../core/loopback.ts';
import { pause } from '../platform/retry.ts';
import type { Service } from '../platform/service.ts';
import { createApp } from './app.ts';
import type { Clocks } from './connection.ts';
import type { HttpHouse } from './house.ts';

export interface ServerOptions {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  /**
   * How long `stop()` goes on serving while /readyz says that it stops: who sends requests here learns of that only some
   * seconds later.
   */
  readonly drainMs?: number;
  /** How long requests under way may take to finish after that; what is left then is cut off. */
  readonly stopWithinMs?: number;
  readonly clocks?: Clocks;
}

/**
 * The API as a part of a process. `stop()` turns /readyz to 503, goes on for the drain, accepts no more connections, lets
 * the requests under way finish, and returns when the last connection is closed.
 */
export function createServer(house: HttpHouse, options: ServerOptions): Service & { address(): string } {
  const { drainMs = 0, stopWithinMs = 20_000 } = options;
  let stopping = false;
  let closing = false;
  let address = '';
  const underWay = new Set<ServerResponse>();

  const serving = {
    name: 'serving',
    check: async () => {
      if (stopping) throw new AppError('unavailable', 'stopping', 'The service is stopping.');
      if (house.isStarting?.()) throw new AppError('unavailable', 'starting', 'The service is starting.');
    },
  };
  const app = createApp({ ...house, checks: [serving, ...house.checks] }, options.clocks);

  // Ahead of Fastify, so that what never reaches a route is counted too.
  app.server.prependListener('request', (_request, response) => {
    underWay.add(response);
    if (stopping) response.setHeader('connection', 'close');
    response.once('close', () => {
      underWay.delete(response);
      if (closing) closeWhenIdle();
    });
  });

  /** Connections on which nothing was asked would keep the server open until they time out. */
  function closeWhenIdle(): void {
    if (underWay.size === 0) app.server.closeAllConnections();
  }

  return {
    name: 'api',
    address: () => address,

    async start() {
      // `localhost` may be two addresses, for which Fastify opens a second server that it does not hand out.
      const host = options.host === 'localhost' ? '127.0.0.1' : options.host;
      try {
        await app.listen({ host, port: options.port });
      } catch (cause) {
        await app.close();
        const { code } = cause as NodeJS.ErrnoException;
        if (code === undefined || !/^E[A-Z]+$/.test(code)) throw cause;
        const detail = `Cannot listen on ${options.host}, port ${options.port} (${code}). Set QM_HOST and QM_PORT.`;
        throw new AppError('config', 'cannot_listen', detail, { cause });
      }
      address = app.listeningOrigin;
      if (!isLoopback(options.host)) {
        house.logger.warn(
          { host: options.host },
          'The API listens beyond this machine and speaks plain HTTP: keys can be read on the way unless something before it encrypts.',
        );
      }
    },

    async stop() {
      stopping = true;
      for (const response of underWay) {
        if (!response.headersSent) response.setHeader('connection', 'close');
      }
      // Nobody was sent here before it was ready.
      if (drainMs > 0 && !house.isStarting?.()) await pause(drainMs);
      closing = true;
      const closed = new Promise<void>((resolve) => {
        app.server.close(() => resolve());
      });
      const deadline = setTimeout(() => {
        house.logger.warn({ requests: underWay.size }, 'requests cut off: they did not finish in time');
        app.server.closeAllConnections();
      }, stopWithinMs);
      closeWhenIdle();
      await closed;
      clearTimeout(deadline);
      await app.close();
    },
  };
}
