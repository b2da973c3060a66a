import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, request, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface S3Request {
  readonly method: string;
  /** With its query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** What is done to a request: it passes, is never answered, or loses its connection; or something comes back instead. */
export type Fate =
  | 'pass'
  | 'hang'
  | 'cut'
  | { readonly status: number; readonly code?: string; readonly headers?: Readonly<Record<string, string>> }
  | {
      readonly headers?: Readonly<Record<string, string>>;
      readonly change?: (body: Buffer) => Buffer;
      /** After so many bytes of the body the connection is lost, or stays silent. */
      readonly cutAfter?: number;
      readonly hangAfter?: number;
    };

export interface S3Proxy {
  readonly endpoint: string;
  /** Every request that came, in order. */
  readonly seen: S3Request[];
  /** Ends when no client is connected any more. */
  deserted(): Promise<void>;
  stop(): Promise<void>;
}

/** Stands before an S3 server, writes down what is asked of it, and does it harm. */
export async function startS3Proxy(
  endpoint: string,
  fateOf: (request: S3Request) => Fate | Promise<Fate>,
): Promise<S3Proxy> {
  const seen: S3Request[] = [];
  const sockets = new Set<Socket>();
  const passing = new Set<Promise<void>>();
  const server = createServer((incoming, response) => {
    const passed = (async () => {
      const { method = '', url = '', headers } = incoming;
      const body = await buffer(incoming);
      const asked = { method, url, headers, body };
      seen.push(asked);
      const fate = await fateOf(asked);
      if (fate === 'hang') return;
      if (fate === 'cut') response.destroy();
      else if (typeof fate === 'object' && 'status' in fate) refuse(response, method, fate);
      else await forward(endpoint, asked, response, fate === 'pass' ? {} : fate);
    })()
      .catch(() => void response.destroy())
      .finally(() => passing.delete(passed));
    passing.add(passed);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    endpoint: `http://127.0.0.1:${port}`,
    seen,
    deserted: async () => {
      for (const socket of sockets) await once(socket, 'close');
    },
    stop: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
      // What has passed goes on to the server, whoever asked for it.
      await Promise.all(passing);
    },
  };
}

function refuse(response: ServerResponse, method: string, fate: Extract<Fate, { status: number }>): void {
  const { status, code } = fate;
  const body = code === undefined ? '' : `<Error><Code>${code}</Code><Message>It is so.</Message></Error>`;
  response.writeHead(status, {
    'content-type': 'application/xml',
    'content-length': Buffer.byteLength(body),
  });
  response.end(method === 'HEAD' ? undefined : body);
}

async function forward(
  endpoint: string,
  { method, url, headers, body }: S3Request,
  response: ServerResponse,
  fate: Exclude<Fate, string | { status: number }>,
): Promise<void> {
  // The body of a chunked request is whole by now.
  const { 'transfer-encoding': _, connection: __, ...rest } = headers;
  const outgoing = request(new URL(url, endpoint), {
    method,
    headers: { ...rest, 'content-length': body.length },
    agent: false,
  });
  outgoing.end(body);
  const [answer] = await once(outgoing, 'response');
  const got = await buffer(answer);
  const changed = fate.change?.(got) ?? got;
  const length = method === 'HEAD' || answer.statusCode === 204 ? {} : { 'content-length': changed.length };
  response.writeHead(answer.statusCode, { ...answer.headers, ...length, ...fate.headers });
  const sent = fate.cutAfter ?? fate.hangAfter;
  if (sent === undefined) response.end(changed);
  else {
    await new Promise<void>((resolve) => response.write(changed.subarray(0, sent), () => resolve()));
    if (fate.cutAfter !== undefined) response.destroy();
  }
}
