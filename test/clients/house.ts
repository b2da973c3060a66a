import { once } from 'node:events';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { type ClientOptions, createClient } from '../../clients/typescript/src/index.ts';
import type { HttpHouse } from '../../src/http/house.ts';
import { createServer } from '../../src/http/server.ts';
import { TOKEN } from '../http/house.ts';

/** Pauses that no test has to wait for. */
export const quick = { firstDelay: 1, longestDelay: 2_000, within: 30_000 } as const;

/** Serves a house on loopback until the test ends. */
export async function serve(house: HttpHouse): Promise<string> {
  const server = createServer(house, { host: '127.0.0.1', port: 0 });
  await server.start();
  onTestFinished(() => server.stop());
  return server.address();
}

/** A client of a house that is served. What it sends is counted. */
export function clientOf(url: string, options: Partial<ClientOptions> = {}) {
  const sent: Request[] = [];
  const fetch = options.fetch ?? globalThis.fetch;
  const api = createClient({
    baseUrl: url,
    key: TOKEN,
    retry: quick,
    ...options,
    fetch: (request) => {
      sent.push(request);
      return fetch(request);
    },
  });
  return { api, sent };
}

/** The server asks for whole seconds, which nobody has to wait for in a test. */
export async function hurried(request: Request): Promise<Response> {
  const { status, body, headers } = await fetch(request);
  return new Response(body, { status, headers: [...headers].filter(([name]) => name !== 'retry-after') });
}

/** A way to the API that can be cut after the API has answered and before the client hears of it. */
export interface HttpProxy {
  readonly url: string;
  /** Lets so many bytes of the next answer pass, none unless given, calls `meanwhile`, and then hangs up. */
  cutNextAnswer(meanwhile?: () => Promise<void>, bytes?: number): void;
  /** From now on answers are kept back; resolves when the first one is there. */
  holdAnswers(): Promise<void>;
  readonly cuts: number;
}

export async function openProxy(target: () => string): Promise<HttpProxy> {
  const sockets = new Set<Socket>();
  let cut: { meanwhile: () => Promise<void>; bytes: number } | undefined;
  let held: PromiseWithResolvers<void> | undefined;
  let cuts = 0;
  const server = createTcpServer((client) => {
    const { hostname, port } = new URL(target());
    const upstream = connect({ host: hostname, port: Number(port) });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        // What was sent before still arrives.
        client.end();
        upstream.destroy();
      });
    }
    client.pipe(upstream);
    upstream.on('data', (chunk) => {
      if (held !== undefined) {
        held.resolve();
        return;
      }
      if (cut === undefined) {
        client.write(chunk);
        return;
      }
      const { meanwhile, bytes } = cut;
      cut = undefined;
      cuts++;
      if (bytes > 0) client.write(chunk.subarray(0, bytes));
      void meanwhile().then(() => (bytes > 0 ? client.end() : client.destroy()));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cutNextAnswer: (meanwhile = async () => {}, bytes = 0) => {
      cut = { meanwhile, bytes };
    },
    holdAnswers: () => {
      held = Promise.withResolvers<void>();
      return held.promise;
    },
    get cuts() {
      return cuts;
    },
  };
}
