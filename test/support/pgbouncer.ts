import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort } from './free-port.ts';

const run = promisify(execFile);

/** True where the program is installed. */
export async function hasPgBouncer(): Promise<boolean> {
  return run('pgbouncer', ['--version']).then(
    () => true,
    () => false,
  );
}

/** Starts a PgBouncer in transaction mode before a database, with so few connections that clients share them. */
export async function startPgBouncer(
  url: string,
  size: number,
  more: { readonly host?: string; readonly settings?: string; readonly parameters?: string } = {},
): Promise<{ url: string; stop(): Promise<void> }> {
  const target = new URL(url);
  const name = target.pathname.slice(1);
  const password = decodeURIComponent(target.password);
  const server = `host=${more.host ?? target.hostname} port=${target.port} dbname=${name} user=${target.username} password=${password}`;
  const { port, stop } = await start({
    databases: `${name} = ${server} pool_size=${size}`,
    settings: `auth_type = any\n${more.settings ?? ''}`,
    probe: more.parameters === undefined ? url : `${url}?${more.parameters}`,
  });
  return { url: throughPort(url, port), stop };
}

/**
 * The same before a whole server, for all tests of a run: each user of each database has four connections, and they are let go of
 * soon after their test is over.
 */
export async function startSharedPooler(
  adminUrl: string,
  users: Readonly<Record<string, string>>,
): Promise<{ port: number; stop(): Promise<void> }> {
  const { hostname, port } = new URL(adminUrl);
  const [user = '', password = ''] = Object.entries(users)[0] ?? [];
  const probe = new URL(adminUrl);
  [probe.username, probe.password] = [user, password];
  return start({
    databases: `* = host=${hostname} port=${port}`,
    settings:
      'auth_type = scram-sha-256\ndefault_pool_size = 4\nserver_idle_timeout = 5\nserver_round_robin = 1',
    users,
    probe: probe.href,
  });
}

interface PoolerOptions {
  readonly databases: string;
  readonly settings: string;
  readonly users?: Readonly<Record<string, string>>;
  /** A URL of the server that must be reached through it before it is taken for started. */
  readonly probe: string;
}

async function start(options: PoolerOptions): Promise<{ port: number; stop(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'pgbouncer-'));
  await chmod(directory, 0o777);
  const port = await freePort();
  const [file, userFile] = [join(directory, 'pgbouncer.ini'), join(directory, 'users.txt')];
  const users = Object.entries(options.users ?? {}).map(([name, password]) => `"${name}" "${password}"\n`);
  await writeFile(userFile, users.join(''));
  await writeFile(
    file,
    `[databases]
${options.databases}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_file = ${userFile}
pool_mode = transaction
max_client_conn = 500
${options.settings}
${process.getuid?.() === 0 ? 'user = nobody' : ''}
`,
  );
  const child = spawn('pgbouncer', ['-q', file], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
    await rm(directory, { recursive: true, force: true });
  };
  for (let tries = 0; ; tries++) {
    const client = new pg.Client({ connectionString: throughPort(options.probe, port) });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.end();
      return { port, stop };
    } catch (error) {
      if (tries < 200) await delay(25);
      else {
        await stop();
        throw error;
      }
    }
  }
}

function throughPort(url: string, port: number): string {
  const through = new URL(url);
  through.hostname = '127.0.0.1';
  through.port = String(port);
  return through.href;
}
