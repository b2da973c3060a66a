import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { Connection } from './connection.ts';
import { answerWithin } from './lease.ts';
import type { Db, Schema } from './schema.ts';
import { getTypeParser } from './type-parsers.ts';

/** A way to a database for somebody who only looks, and who must come to an end whatever hangs. */
export interface Look {
  readonly db: Db;
  /**
   * Whether something stands between us and the server: who greets us with another process number than the one that answers
   * our questions is a pooler. A pooler cannot know which server it will use, so it makes up the number.
   *
   * @throws whatever node-postgres throws
   */
  isPooled(): Promise<boolean>;
  /** So many connections at once, each one's first question not yet put; all are gone when it ends. */
  withSessions<T>(count: number, action: (sessions: readonly pg.ClientBase[]) => Promise<T>): Promise<T>;
  /** Cuts every connection, also one that waits for an answer. */
  cut(): void;
}

export interface LookOptions {
  readonly url: string;
  /** Until a connection stands. */
  readonly connectMs: number;
  /** The server's own limit for a statement. Set only where no pooler would hand it to others. */
  readonly statementMs: number;
}

/** Few, for a server that has hardly any connection left is one of the things looked for. */
const MOST = 3;

/** Opens nothing before it is asked something. */
export function openLook({ url, connectMs, statementMs }: LookOptions): Look {
  const open = new Set<Connection>();
  const settings: pg.ClientConfig = {
    connectionString: url,
    application_name: 'quartermaster-doctor',
    connectionTimeoutMillis: connectMs,
    types: { getTypeParser },
  };
  const watched = class extends Connection {
    constructor(config?: pg.ClientConfig) {
      super(config);
      open.add(this);
      this.on('error', () => {});
      this.once('end', () => open.delete(this));
    }
  };
  const pool = new pg.Pool({
    ...settings,
    max: MOST,
    allowExitOnIdle: true,
    Client: watched,
    onConnect: async (client) => {
      if (client instanceof Connection) await client.readyDates();
      if (await isMadeUp(client)) return;
      const limits =
        "SELECT set_config('statement_timeout', $1, false), set_config('lock_timeout', $1, false)";
      await client.query(limits, [String(statementMs)]);
    },
  });
  pool.on('error', () => {});
  let pooled: Promise<boolean> | undefined;
  const look: Look = {
    db: new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) }),
    isPooled: () => {
      pooled ??= look.withSessions(1, ([client]) => isMadeUp(client as pg.ClientBase));
      return pooled;
    },
    async withSessions(count, action) {
      const clients = Array.from({ length: count }, () => new watched(settings));
      try {
        await Promise.all(clients.map((client) => client.connect()));
        return await action(clients);
      } finally {
        await Promise.all(clients.map((client) => leave(client)));
      }
    },
    cut: () => {
      for (const client of open) destroy(client);
      pool.end().catch(() => {});
    },
  };
  return look;
}

async function isMadeUp(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return rows[0]?.pid !== (client as unknown as { readonly processID: number }).processID;
}

/** A server that hangs says no farewell. */
async function leave(client: Connection): Promise<void> {
  await answerWithin(500, client.end()).catch(() => destroy(client));
}

function destroy(client: Connection): void {
  const { connection } = client as unknown as { connection: { stream: { destroy(): void } } };
  connection.stream.destroy();
}
