import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbedded } from '../src/db/embedded.ts';
import { identifier } from '../src/db/identifier.ts';
import { packageRoot } from '../src/db/root.ts';
import type { Bench } from './bench.ts';

/** A server, on which the bench makes databases of its own; both sides of a figure use the same one. */
export interface BenchServer {
  /** Of the postmaster, where it is ours. */
  readonly pid: number | undefined;
  /** Of a role that may create databases: a superuser's where the server is ours. */
  readonly adminUrl: string;
  /** The file of its log, where it is ours. */
  readonly log: string | undefined;
  /** Makes an empty database and returns its URL, as the role that owns it. */
  createDatabase(): Promise<string>;
}

/** As a careful person sets a server up for production on a small machine: nothing that makes a commit less durable. */
const settings = {
  shared_buffers: '512MB',
  max_wal_size: '4GB',
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
};

/** A server of the bench's own, with more settings where a bench needs them, under `./var/bench`, or the one that was given. What is made there is gone in the end. */
export async function openServer(bench: Bench, more: Record<string, string> = {}): Promise<BenchServer> {
  const { databaseUrl } = bench.options;
  const server =
    databaseUrl === undefined ? await embedded(bench, more) : onServer(bench, databaseUrl, databaseUrl);
  await describe(bench, databaseUrl ?? server.adminUrl);
  return server;
}

async function embedded(bench: Bench, more: Record<string, string>): Promise<BenchServer> {
  const parent = join(packageRoot(), 'var', 'bench');
  await mkdir(parent, { recursive: true });
  const directory = await mkdtemp(join(parent, 'postgres-'));
  bench.onEnd(async () => {
    if (bench.options.keep) bench.say(`The data are in ${directory}.`);
    else await rm(directory, { recursive: true, force: true });
  });
  const all = { ...settings, ...more };
  const { url, adminUrl, pid, stop } = await startEmbedded({ directory, settings: all, log: bench.say });
  bench.onEnd(stop);
  return { ...onServer(bench, adminUrl, url), pid, log: join(directory, 'postgres.log') };
}

/** `adminUrl` may create databases, `url` is of the role that is to own them. */
function onServer(bench: Bench, adminUrl: string, url: string): BenchServer {
  const owner = identifier(decodeURIComponent(new URL(url).username));
  return {
    adminUrl,
    pid: undefined,
    log: undefined,
    async createDatabase() {
      const name = `quartermaster_bench_${randomBytes(4).toString('hex')}`;
      await withClient(adminUrl, (admin) =>
        admin.query(`CREATE DATABASE ${identifier(name)} OWNER ${owner}`),
      );
      bench.onEnd(async () => {
        if (bench.options.keep) return bench.say(`The data are in the database ${name}.`);
        await withClient(adminUrl, (admin) => admin.query(`DROP DATABASE ${identifier(name)} WITH (FORCE)`));
      });
      const own = new URL(url);
      own.pathname = `/${name}`;
      return own.href;
    },
  };
}

/** Tells which server it is and how durable: figures without that say nothing. */
async function describe(bench: Bench, url: string): Promise<void> {
  const names = [
    'server_version',
    'fsync',
    'full_page_writes',
    'synchronous_commit',
    'shared_buffers',
    'max_wal_size',
  ];
  const values = await withClient(url, async (client) => {
    const { rows } = await client.query<{ said: string }>(
      "SELECT string_agg(n.name || ' ' || current_setting(n.name), ', ') AS said FROM unnest($1::text[]) AS n (name)",
      [names],
    );
    return rows[0]?.said;
  });
  bench.say(`PostgreSQL: ${values}`);
}

/** Runs the action with a connection of its own. Eight-byte integers are BigInts, as everywhere in the ledger. */
export async function withClient<T>(url: string, action: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, types: { getTypeParser } });
  client.on('error', () => {});
  await client.connect();
  try {
    return await action(client);
  } finally {
    await client.end();
  }
}

const INT8 = 20;

export function getTypeParser(oid: number, format?: 'text' | 'binary') {
  return oid === INT8 && format !== 'binary' ? BigInt : pg.types.getTypeParser(oid, format);
}
