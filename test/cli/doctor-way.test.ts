import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { examine } from '../../src/cli/doctor/examine.ts';
import { describeRefusal } from '../../src/cli/doctor/refusal.ts';
import { stopwatch } from '../../src/core/clock.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { hasPgBouncer, startPgBouncer } from '../support/pgbouncer.ts';
import { openStallingProxy } from '../support/stalling-proxy.ts';
import { breaks, doctor, entryOf, findingOf, findingsOf, run, sessionOf } from './doctor.ts';

let home: TestDatabase;
let other: TestDatabase;
const pooled = await hasPgBouncer();
const silent: Server = createServer(() => {});
let silentPort: number;

beforeAll(async () => {
  [home, other] = await Promise.all([createDatabase({ roles: true }), createDatabase({ migrated: false })]);
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  silentPort = (silent.address() as AddressInfo).port;
});
afterAll(async () => {
  silent.close();
  await Promise.all([home?.drop(), other?.drop()]);
});

const changed = (url: string, change: Partial<URL>) => Object.assign(new URL(url), change).href;

describe('the way to the database', () => {
  it('is well where it is', async () => {
    const names = ['database-answers', 'direct-answers', 'same-database', 'same-role', 'pooler-mode'];
    names.push('direct-is-direct', 'schema');
    const env = { QM_DATABASE_URL: home.as('worker') };
    const findings = await findingsOf({ env }, ...names);
    expect(findings.map(({ name, outcome }) => [name, outcome])).toEqual(names.map((name) => [name, 'ok']));
  });

  breaks('database-answers', 'a URL that is not set', () => ({
    env: {},
    outcome: 'failed',
    found: /not set/,
  }));
  breaks('database-answers', 'nobody listening', () => ({
    env: { QM_DATABASE_URL: 'postgres://app:secret@127.0.0.1:1/none' },
    outcome: 'failed',
    found: /^Nobody listens at 127\.0\.0\.1, port 1 \(QM_DATABASE_URL\)\.$/,
  }));
  breaks('database-answers', 'a name that nobody knows', () => ({
    env: { QM_DATABASE_URL: 'postgres://app:secret@no-such-host.invalid/none?sslmode=verify-full' },
    outcome: 'failed',
    found: /no-such-host\.invalid/,
  }));
  breaks('database-answers', 'a wrong password', () => ({
    env: { QM_DATABASE_URL: changed(home.url, { password: 'wrong' }) },
    outcome: 'failed',
    found: /refused the password of quartermaster_owner/,
    advice: /\\password quartermaster_owner/,
  }));
  breaks('database-answers', 'a role that is none', () => ({
    env: { QM_DATABASE_URL: changed(home.url, { username: 'nobody_here' }) },
    outcome: 'failed',
    // A server does not tell a wrong name from a wrong password where it asks for one.
    found: /nobody_here/,
  }));
  breaks('database-answers', 'a database that is not there', () => ({
    env: { QM_DATABASE_URL: changed(home.url, { pathname: '/nowhere' }) },
    outcome: 'failed',
    found: /has no database nowhere/,
    advice: /createdb nowhere/,
  }));
  breaks('database-answers', 'a role that may not connect', async () => {
    await run(other.adminUrl, `REVOKE CONNECT ON DATABASE "${other.name}" FROM PUBLIC`);
    const url = changed(home.as('reader'), { pathname: `/${other.name}` });
    return {
      env: { QM_DATABASE_URL: url },
      outcome: 'failed',
      found: /may not connect/,
      advice: /GRANT CONNECT/,
    };
  });
  breaks('database-answers', 'TLS that the server does not speak', () => ({
    env: { QM_DATABASE_URL: `${home.url}?sslmode=verify-full` },
    outcome: 'failed',
    found: /the server has none/,
    advice: /sslmode/,
  }));
  breaks('database-answers', 'a server that says nothing', () => ({
    env: { QM_DATABASE_URL: `postgres://app:secret@127.0.0.1:${silentPort}/none` },
    limits: { connectMs: 300 },
    outcome: 'failed',
    found: /does not answer/,
    advice: /firewall/,
  }));
  it.each([
    [{ code: '53300', severity: 'FATAL' }, 'sorry, too many clients already', /no connection left/],
    [{ code: '57P03', severity: 'FATAL' }, 'the database system is starting up', /not ready yet/],
    [{ code: '28000', severity: 'FATAL' }, 'role "app" does not exist', /does not let app log in/],
    [
      { code: '28000', severity: 'FATAL' },
      'no pg_hba.conf entry for host "10.0.0.1", user "app", database "x", no encryption',
      /not without TLS/,
    ],
    [{ code: '08P01', severity: 'FATAL' }, 'no such user: app', /does not let app log in/],
    [{ code: 'EHOSTUNREACH' }, 'connect EHOSTUNREACH', /does not answer/],
  ])('says what %o means, and no secret', (about, message, found) => {
    const error = Object.assign(new Error(message), about);
    const fault = describeRefusal(error, 'QM_DATABASE_URL', 'postgres://app:hush@db.example.com/x');
    expect(fault).toMatchObject({ outcome: 'failed', found: expect.stringMatching(found) });
    expect(JSON.stringify(fault)).not.toContain('hush');
  });

  breaks('direct-answers', 'a direct way that is away, which hides nothing else', () => ({
    env: {
      QM_DATABASE_URL: home.as('worker'),
      QM_DIRECT_DATABASE_URL: 'postgres://app:secret@127.0.0.1:1/none',
    },
    outcome: 'failed',
    found: /QM_DIRECT_DATABASE_URL/,
  }));
  it('of two ways one is enough to look at the database', async () => {
    for (const env of [
      { QM_DATABASE_URL: home.as('worker'), QM_DIRECT_DATABASE_URL: 'postgres://a:b@127.0.0.1:1/none' },
      { QM_DATABASE_URL: 'postgres://a:b@127.0.0.1:1/none', QM_DIRECT_DATABASE_URL: home.as('worker') },
    ])
      expect(await findingOf({ env }, 'grants')).toMatchObject({ outcome: 'ok' });
  });

  breaks('same-database', 'two databases', () => ({
    env: { QM_DATABASE_URL: home.as('owner'), QM_DIRECT_DATABASE_URL: inject('postgres').appUrl },
    outcome: 'failed',
    found: new RegExp(`${home.name} \\(\\d+\\) of the server \\d+, QM_DIRECT_DATABASE_URL to quartermaster`),
  }));
  breaks('same-role', 'two roles', () => ({
    env: { QM_DATABASE_URL: home.as('api'), QM_DIRECT_DATABASE_URL: home.as('worker') },
    outcome: 'advice',
    found: /of quartermaster_api, QM_DIRECT_DATABASE_URL of quartermaster_worker/,
  }));
  breaks('schema', 'a database that was never migrated', () => ({
    env: { QM_DATABASE_URL: changed(inject('postgres').appUrl, { pathname: `/${other.name}` }) },
    outcome: 'failed',
    found: /migrations are missing/,
    advice: /quartermaster migrate up/,
  }));
  it('a schema that is newer wants a newer version', async () => {
    const newer = await createDatabase();
    onTestFinished(() => newer.drop());
    await run(
      newer.adminUrl,
      `UPDATE quartermaster.settings SET value = '9999' WHERE name = 'oldest_code';
      INSERT INTO quartermaster.settings (name, value) VALUES ('oldest_code', '9999') ON CONFLICT DO NOTHING;
      INSERT INTO quartermaster.migrations (name, timestamp) VALUES ('9999_later', '2030-01-01T00:00:00.000Z')`,
    );
    expect(await findingOf({ env: { QM_DATABASE_URL: newer.url } }, 'schema')).toMatchObject({
      outcome: 'failed',
      advice: expect.stringContaining('newer version'),
    });
  });
});

describe.skipIf(!pooled)('a pooler', () => {
  const pooler = async (mode: string, size = 3) => {
    const { url, stop } = await startPgBouncer(home.as('worker'), size, { settings: `pool_mode = ${mode}` });
    onTestFinished(stop);
    return url;
  };

  it.each([1, 3])(
    'in transaction mode is as it should be on QM_DATABASE_URL, with %i connections',
    async (size) => {
      const env = {
        QM_DATABASE_URL: await pooler('transaction', size),
        QM_DIRECT_DATABASE_URL: home.as('worker'),
      };
      const findings = await findingsOf(
        { env },
        'same-database',
        'same-role',
        'pooler-mode',
        'direct-is-direct',
      );
      expect(findings.map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'ok', 'ok']);
    },
  );
  it('that turns its connections round is known all the same', async () => {
    const settings = 'server_round_robin = 1';
    const { url, stop } = await startPgBouncer(home.as('worker'), 4, { settings });
    onTestFinished(stop);
    await Promise.all(Array.from({ length: 4 }, () => run(url, 'SELECT pg_sleep(0.2)')));
    expect(await findingOf({ env: { QM_DATABASE_URL: url } }, 'pooler-mode')).toMatchObject({
      outcome: 'ok',
    });
  });
  breaks('pooler-mode', 'session mode', async () => ({
    env: { QM_DATABASE_URL: await pooler('session'), QM_DIRECT_DATABASE_URL: home.as('worker') },
    outcome: 'advice',
    found: /session mode/,
  }));
  breaks('pooler-mode', 'statement mode', async () => ({
    env: { QM_DATABASE_URL: await pooler('statement'), QM_DIRECT_DATABASE_URL: home.as('worker') },
    outcome: 'failed',
    found: /statement mode/,
  }));
  breaks('direct-is-direct', 'a pooler on the direct way', async () => ({
    env: { QM_DATABASE_URL: home.as('worker'), QM_DIRECT_DATABASE_URL: await pooler('transaction') },
    outcome: 'failed',
    found: /^QM_DIRECT_DATABASE_URL leads to a pooler in transaction mode/,
  }));
  breaks('direct-is-direct', 'a pooler as the only way', async () => ({
    env: { QM_DATABASE_URL: await pooler('transaction') },
    outcome: 'failed',
    found: /QM_DIRECT_DATABASE_URL is not set, and QM_DATABASE_URL leads to a pooler/,
  }));
  it('is left with no setting of ours', async () => {
    const url = await pooler('transaction', 1);
    await findingsOf({ env: { QM_DATABASE_URL: url } });
    expect(await run(url, "SELECT current_setting('statement_timeout') AS set")).toEqual([{ set: '0' }]);
  });
});

describe('a run', () => {
  const hanging = () => {
    const url = (user: string) => `postgres://${user}:s3cr3t@127.0.0.1:${silentPort}/none`;
    return { QM_DATABASE_URL: url('a'), QM_DIRECT_DATABASE_URL: url('b'), QM_REPLICA_URL: url('c') };
  };

  it('comes to an end with everything hanging, and tells no secret', async () => {
    const store = { QM_STORE: 's3://bucket/books', QM_S3_ENDPOINT: `http://127.0.0.1:${silentPort}` };
    const seconds = stopwatch();
    const { code, out } = await doctor({ ...hanging(), ...store, QM_S3_PATH_STYLE: 'on' }, '--json');
    expect(seconds()).toBeLessThan(60);
    expect(code).toBe(78);
    const failed = (JSON.parse(out) as { name: string; outcome: string }[]).filter(
      ({ outcome }) => outcome === 'failed',
    );
    expect(failed.map(({ name }) => name)).toEqual([
      'database-answers',
      'direct-answers',
      'replica-answers',
      'store',
    ]);
    expect(out).not.toContain('s3cr3t');
  });

  it('gives up a question that gets no answer, and the rest when its time is over', async () => {
    await using _lock = await locked();
    const setup = { env: { QM_DATABASE_URL: home.as('owner') } };
    const slow = await findingsOf({ ...setup, limits: { checkMs: 500 } }, 'schema', 'server-version');
    expect(slow.map(({ outcome, found }) => [outcome, found])).toEqual([
      ['failed', 'There was no answer within 0.5 s.'],
      ['ok', undefined],
    ]);
    const late = await findingsOf({ ...setup, limits: { allMs: 1000 } }, 'schema', 'server-version');
    expect(late[0]).toMatchObject({ outcome: 'skipped', why: expect.stringContaining('--only schema') });
  });

  it('leaves what takes long for its size to who has the time', async () => {
    const held = 'BEGIN; LOCK TABLE ledger.ledgers IN ACCESS EXCLUSIVE MODE';
    await using _lock = await locked(held);
    const setup = { env: { QM_DATABASE_URL: home.as('owner') }, limits: { checkMs: 500 } };
    const why = 'There was no answer within 0.5 s. Run `quartermaster run check-ledger`, which compares all.';
    expect(await findingOf(setup, 'balances')).toMatchObject({ outcome: 'skipped', why });
  });

  it('comes to an end with a database that stops answering in the middle', async () => {
    const proxy = await openStallingProxy(home.as('owner'));
    onTestFinished(() => proxy.close());
    const findings = await examine(entryOf({ env: { QM_DATABASE_URL: proxy.url } }), {
      limits: { checkMs: 800, allMs: 3000 },
      onFinding: ({ name }) => {
        if (name === 'schema') proxy.stall();
      },
    });
    const [schema, ...rest] = findings.slice(findings.findIndex(({ name }) => name === 'schema'));
    expect(schema?.outcome).toBe('ok');
    expect(rest.some(({ found }) => found === 'There was no answer within 0.8 s.')).toBe(true);
  });

  async function locked(held = 'BEGIN; LOCK TABLE quartermaster.settings IN ACCESS EXCLUSIVE MODE') {
    const { end } = await sessionOf(home.adminUrl, held);
    return { [Symbol.asyncDispose]: end };
  }
});
