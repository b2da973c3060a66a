import { execFile } from 'node:child_process';
import { chmod, chown, copyFile, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { toAppError } from '../../src/db/sqlstate.ts';
import { readConfig } from '../../src/platform/config.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { maintenanceQueue } from '../../src/queue/job.ts';
import { createQueue } from '../../src/queue/queue.ts';
import { hasPgBouncer, startPgBouncer } from '../support/pgbouncer.ts';
import { startServer, type TestServer } from '../support/server.ts';

const run = promisify(execFile);
const installed = await run('openssl', ['version']).then(
  () => true,
  () => false,
);

const hasPooler = await hasPgBouncer();

let directory: string;
let server: TestServer;
const at = (name: string) => join(directory, name);

/** A CA of our own, and a certificate it signs for the name. */
async function makeCertificates(ca: string, name: string): Promise<void> {
  const key = ['-newkey', 'rsa:2048', '-nodes'];
  await run('openssl', [
    'req',
    '-x509',
    '-days',
    '2',
    ...key,
    '-keyout',
    at(`${ca}.key`),
    '-out',
    at(`${ca}.crt`),
    '-subj',
    `/CN=${ca}`,
  ]);
  await run('openssl', [
    'req',
    ...key,
    '-keyout',
    at('server.key'),
    '-out',
    at('server.csr'),
    '-subj',
    `/CN=${name}`,
  ]);
  await writeFile(at('server.ext'), `subjectAltName=DNS:${name}\n`);
  await run('openssl', [
    'x509',
    '-req',
    '-days',
    '2',
    '-in',
    at('server.csr'),
    '-CA',
    at(`${ca}.crt`),
    '-CAkey',
    at(`${ca}.key`),
    '-CAcreateserial',
    '-extfile',
    at('server.ext'),
    '-out',
    at('server.crt'),
  ]);
}

async function asAdmin(...statements: string[]): Promise<void> {
  const admin = new pg.Client({ connectionString: server.adminUrl });
  await admin.connect();
  for (const statement of statements) await admin.query(statement);
  await admin.end();
}

/** The server's URL under a name that the certificate has or has not, with these parameters. */
function urlOf(host: string, parameters: string): string {
  const url = new URL(server.url);
  url.hostname = host;
  return `${url.href}?${parameters}`;
}

/** As a process reads its settings: all its connections, the replica's and the queue's among them, and how they fare. */
async function connectAll(url: string): Promise<{ encrypted: boolean[] }> {
  const config = readConfig({ QM_DATABASE_URL: url, QM_REPLICA_URL: url });
  const database = openDatabase(config);
  const { write, direct, read, replica } = database;
  const queue = createQueue({
    db: write,
    url: config.directDatabaseUrl ?? '',
    zone: 'UTC',
    logger: createLogger('silent'),
  });
  const ofSession = 'SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_backend_pid()';
  try {
    const encrypted: boolean[] = [];
    for (const db of [write, direct, read]) {
      const { rows } = await sql<{ ssl: boolean }>`${sql.raw(ofSession)}`.execute(db);
      encrypted.push(rows[0]?.ssl ?? false);
    }
    encrypted.push((await replica?.probes.query<{ ssl: boolean }>(ofSession))?.rows[0]?.ssl ?? false);
    const job = { name: 'tls', queue: maintenanceQueue('tls'), handle: async () => ({}) };
    await queue.install([job]);
    await queue.start([job]);
    const { rows } = await sql<{ ssl: boolean }>`
      SELECT DISTINCT s.ssl FROM pg_catalog.pg_stat_ssl AS s JOIN pg_catalog.pg_stat_activity AS a USING (pid)
      WHERE a.application_name = 'quartermaster worker'`.execute(write);
    encrypted.push(...rows.map(({ ssl }) => ssl));
    return { encrypted };
  } catch (error) {
    throw toAppError(error);
  } finally {
    await queue.stop();
    await database.close();
  }
}

describe.skipIf(!installed)('TLS to the database', () => {
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'test-tls-'));
    await chmod(directory, 0o755);
    server = await startServer();
    await makeCertificates('other', 'localhost');
    await makeCertificates('ca', 'localhost');
    const { uid, gid } = await stat(`/proc/${server.pid}`).catch(() => stat(directory));
    await chmod(at('server.key'), 0o600);
    await chown(at('server.key'), uid, gid);
    await asAdmin(
      `ALTER SYSTEM SET ssl_cert_file = '${at('server.crt')}'`,
      `ALTER SYSTEM SET ssl_key_file = '${at('server.key')}'`,
      'ALTER SYSTEM SET ssl = on',
      'SELECT pg_reload_conf()',
    );
    // The reload comes to new sessions a moment later.
    const parameters = `sslmode=verify-full&sslrootcert=${at('ca.crt')}`;
    await vi.waitFor(() => connectAll(urlOf('localhost', parameters)), { timeout: 20_000, interval: 100 });
  }, 120_000);
  afterAll(async () => {
    await server?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it.each(['verify-full', 'require', 'verify-ca'])(
    'with sslmode=%s and the right CA is that of every pool and of the queue',
    async (mode) => {
      const { encrypted } = await connectAll(
        urlOf('localhost', `sslmode=${mode}&sslrootcert=${at('ca.crt')}`),
      );
      expect(encrypted).toEqual([true, true, true, true, true]);
    },
  );

  it.each(['verify-full', 'require', 'verify-ca'])(
    'with sslmode=%s refuses the wrong CA, another name and none that is trusted',
    async (mode) => {
      const wrong = connectAll(urlOf('localhost', `sslmode=${mode}&sslrootcert=${at('other.crt')}`));
      await expect(wrong).rejects.toMatchObject({
        kind: 'config',
        code: 'tls_failed',
        detail: expect.stringContaining('name the file as sslrootcert'),
      });
      const named = connectAll(urlOf('127.0.0.1', `sslmode=${mode}&sslrootcert=${at('ca.crt')}`));
      await expect(named).rejects.toMatchObject({
        code: 'tls_failed',
        detail: expect.stringContaining('another name'),
      });
      const unknown = connectAll(urlOf('localhost', `sslmode=${mode}`));
      await expect(unknown).rejects.toMatchObject({ code: 'tls_failed' });
      const lax = connectAll(urlOf('localhost', `sslmode=${mode}&uselibpqcompat=true`));
      await expect(lax).rejects.toMatchObject({ code: 'tls_failed' });
      const system = connectAll(urlOf('localhost', `sslmode=${mode}&sslrootcert=system`));
      await expect(system).rejects.toMatchObject({
        code: 'tls_failed',
        detail: expect.stringContaining('sslrootcert'),
      });
    },
  );

  it('is what the URL says, whatever the environment does', async () => {
    vi.stubEnv('PGSSLMODE', 'no-verify');
    try {
      const url = urlOf('localhost', 'a=b');
      expect((await connectAll(url)).encrypted).toEqual(Array(5).fill(false));
    } finally {
      vi.unstubAllEnvs();
    }
    expect(() => readConfig({ QM_DATABASE_URL: urlOf('localhost', 'ssl=no-verify') })).toThrow(
      'write sslmode',
    );
  });

  it('says which file of certificates is not there', async () => {
    await expect(
      connectAll(urlOf('localhost', 'sslmode=verify-full&sslrootcert=/nowhere/ca.crt')),
    ).rejects.toMatchObject({
      code: 'tls_failed',
      detail: expect.stringContaining('/nowhere/ca.crt'),
    });
  });

  it('looks at no certificate with no-verify, and is not there with disable', async () => {
    expect((await connectAll(urlOf('localhost', 'sslmode=no-verify'))).encrypted).toEqual(
      Array(5).fill(true),
    );
    expect((await connectAll(urlOf('localhost', 'sslmode=disable'))).encrypted).toEqual(Array(5).fill(false));
  });

  it.skipIf(!hasPooler)('goes to a pooler, and from there to the server, verified both times', async () => {
    const [key, crt, ca] = ['pooler.key', 'server.crt', 'ca.crt'].map(at);
    await copyFile(at('server.key'), key ?? '');
    const { uid } = await stat(`/proc/${process.pid}`);
    // As root it changes to nobody.
    if (uid === 0) await chown(key ?? '', 65534, 65534);
    const settings = `client_tls_sslmode = require
client_tls_key_file = ${key}
client_tls_cert_file = ${crt}
server_tls_sslmode = verify-full
server_tls_ca_file = ${ca}`;
    const pooler = await startPgBouncer(server.url, 2, {
      host: 'localhost',
      settings,
      parameters: 'sslmode=no-verify',
    });
    try {
      const through = new URL(pooler.url);
      through.hostname = 'localhost';
      through.search = '';
      const connect = (parameters: string) => {
        const config = readConfig({ QM_DATABASE_URL: `${through.href}?${parameters}` });
        const { write, close } = openDatabase(config);
        return sql<{ ssl: boolean }>`SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_backend_pid()`
          .execute(write)
          .catch((error) => Promise.reject(toAppError(error)))
          .finally(close);
      };
      expect((await connect(`sslmode=verify-full&sslrootcert=${ca}`)).rows).toEqual([{ ssl: true }]);
      await expect(connect(`sslmode=verify-full&sslrootcert=${at('other.crt')}`)).rejects.toMatchObject({
        code: 'tls_failed',
      });
      await expect(connect('sslmode=disable')).rejects.toThrow();
    } finally {
      await pooler.stop();
    }
  });

  it('is not given up where the server has none', async () => {
    await asAdmin('ALTER SYSTEM SET ssl = off', 'SELECT pg_reload_conf()');
    const url = urlOf('localhost', `sslmode=verify-full&sslrootcert=${at('ca.crt')}`);
    await expect
      .poll(() => connectAll(url).catch((error) => error))
      .toMatchObject({ code: 'tls_failed', detail: expect.stringContaining('Set ssl = on') });
  });
});
