import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to PostgreSQL that can be cut at the worst of moments. */
export interface CuttingProxy {
  readonly url: string;
  /**
   * The next COMMIT, or a later one where some are let pass: `before` it reaches PostgreSQL, or `after` it was done and
   * before the client hears of it.
   */
  cutNextCommit(when: 'before' | 'after', letPass?: number): void;
  /** How often it cut. */
  readonly cuts: number;
  /** From now on nothing passes, on new connections neither: as if the server stood still. Until `resume()`. */
  stall(): void;
  resume(): void;
  /** The connections there are pass nothing any more, for good, and nobody is told; new ones are well: as after a failover. */
  abandon(): void;
  close(): Promise<void>;
}

/** @param port of loopback, any free one unless given */
export async function openCuttingProxy(url: string, port = 0): Promise<CuttingProxy> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let armed: 'before' | 'after' | undefined;
  let cuts = 0;
  let passing = 0;
  let stalled = false;
  const abandoned = new WeakSet<Socket>();

  const server = createServer((client) => {
    const upstream = connect({ host: target.hostname, port: Number(target.port) });
    let cutting = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (chunk) => {
      // A simple query: 'Q', its length, the text, a zero byte. Other statements may come in the same chunk.
      const commit = armed ? chunk.toString('latin1').search(/Q....COMMIT\0/is) : -1;
      if (commit >= 0 && passing-- === 0) {
        cuts++;
        cutting = armed === 'after';
        armed = undefined;
        if (!cutting) {
          upstream.write(chunk.subarray(0, commit));
          client.destroy();
          return;
        }
      }
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      // CommandComplete: 'C', its length, the tag, a zero byte.
      if (cutting && /C....COMMIT\0/s.test(chunk.toString('latin1'))) client.destroy();
      else client.write(chunk);
    });
    // Last, for a listener for data lets a socket flow.
    if (stalled) for (const socket of [client, upstream]) socket.pause();
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const through = new URL(url);
  through.hostname = '127.0.0.1';
  through.port = String((server.address() as AddressInfo).port);
  return {
    url: through.href,
    cutNextCommit: (when, letPass = 0) => {
      armed = when;
      passing = letPass;
    },
    get cuts() {
      return cuts;
    },
    stall: () => {
      stalled = true;
      for (const socket of sockets) socket.pause();
    },
    resume: () => {
      stalled = false;
      for (const socket of sockets) if (!abandoned.has(socket)) socket.resume();
    },
    abandon: () => {
      for (const socket of sockets) {
        abandoned.add(socket);
        socket.pause();
      }
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
