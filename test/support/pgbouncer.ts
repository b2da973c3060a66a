import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';

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
): Promise<{ url: string; stop(): Promise<void> }> {
  const target = new URL(url);
  const directory = await mkdtemp(join(tmpdir(), 'pgbouncer-'));
  await chmod(directory, 0o777);
  const port = await freePort();
  const name = target.pathname.slice(1);
  const server = `host=${target.hostname} port=${target.port} dbname=${name} user=${target.username} password=${decodeURIComponent(target.password)}`;
  const file = join(directory, 'pgbouncer.ini');
  await writeFile(
    file,
    `[databases]
${name} = ${server} pool_size=${size}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
max_client_conn = 200
${process.getuid?.() === 0 ? 'user = nobody' : ''}
`,
  );
  const child = spawn('pgbouncer', [file], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  const through = new URL(url);
  through.hostname = '127.0.0.1';
  through.port = String(port);
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
    await rm(directory, { recursive: true, force: true });
  };
  for (let tries = 0; ; tries++) {
    const client = new pg.Client({ connectionString: through.href });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.end();
      return { url: through.href, stop };
    } catch (error) {
      if (tries < 200) await delay(25);
      else {
        await stop();
        throw error;
      }
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
