import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT_USAGE, exitCodes } from '../../src/cli/exit-codes.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { AdHocResult } from '../../src/db/adhoc.ts';
import { createEntry } from '../../src/main/entry.ts';
import { readConfig } from '../../src/platform/config.ts';
import { query } from '../support/embedded.ts';
import { type Replication, startReplication } from '../support/replica.ts';

let servers: Replication;

beforeAll(async () => {
  servers = await startReplication();
  await query(
    servers.primary.url,
    'CREATE TABLE public.numbers AS SELECT n FROM generate_series(1, 5000) AS n',
  );
  await query(servers.primary.url, 'ANALYZE public.numbers');
  await servers.replica.caughtUp();
});

afterAll(async () => {
  await servers?.stop();
});

/** Runs `quartermaster query` in this process. */
async function run(args: string[], env: Record<string, string> = {}, signal = new AbortController().signal) {
  const out = new PassThrough();
  const err = new PassThrough();
  const entry = createEntry({ version: '1.2.3', clock: systemClock, signal });
  const settings = { QM_DATABASE_URL: servers.primary.url, QM_REPLICA_URL: servers.replica.url, ...env };
  const kit = { entry: { ...entry, readConfig: () => readConfig(settings) }, out, err };
  const code = await runCommandLine(kit, ['query', ...args]);
  return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') };
}

async function runJson(sql: string, ...options: string[]): Promise<AdHocResult> {
  const { code, out, err } = await run([sql, '--json', ...options]);
  expect([code, err]).toEqual([0, '']);
  return JSON.parse(out);
}

const ROLE = 'SELECT pg_is_in_recovery() AS standby';
const DEAR = `${ROLE}, count(*) FROM public.numbers AS a CROSS JOIN public.numbers AS b WHERE a.n <= 400`;

describe('quartermaster query', () => {
  it('prints a table, and on the other stream where it comes from', async () => {
    const { code, out, err } = await run([
      "SELECT n, 'no ' || n AS name FROM public.numbers ORDER BY n LIMIT 2",
    ]);
    expect(out).toBe('n  name\n1  no 1\n2  no 2\n');
    expect(err).toMatch(/^2 rows\. From the primary, at a cost of \d+\.\n$/);
    expect(code).toBe(0);
  });

  it('runs a cheap query on the primary and a dear one on the replica', async () => {
    expect(await runJson(ROLE)).toMatchObject({ server: 'primary', rows: [[false]] });
    const dear = await runJson(DEAR);
    expect(dear).toMatchObject({ server: 'replica', rows: [[true, '2000000']] });
    expect(dear.cost).toBeGreaterThan(10_000);
    expect((await run([ROLE], { QM_REPLICA_COST: '0' })).err).toContain('From the replica');
    expect((await run([DEAR], { QM_REPLICA_COST: '999999999' })).err).toContain('From the primary');
  });

  it('runs a dear one on the primary where there is no replica, or none that answers', async () => {
    for (const url of ['', servers.primary.url, 'postgres://app@127.0.0.1:1/none']) {
      expect(await run([DEAR], { QM_REPLICA_URL: url })).toMatchObject({
        code: 0,
        err: expect.stringContaining('From the primary'),
      });
    }
  });

  it('keeps every digit', async () => {
    const values = {
      '9223372036854775807::bigint': ['bigint', '9223372036854775807'],
      '-170141183460469231731687303715884105728.10::numeric': [
        'numeric',
        '-170141183460469231731687303715884105728.10',
      ],
      '1.50::numeric(12,2)': ['numeric(12,2)', '1.50'],
      '2147483647': ['integer', 2147483647],
      '0.1::float8': ['double precision', 0.1],
      "'NaN'::float8": ['double precision', 'NaN'],
      "'-Infinity'::float8": ['double precision', '-Infinity'],
      "'2026-03-31 23:59:59.123456+00'::timestamptz": [
        'timestamp with time zone',
        '2026-03-31 23:59:59.123456+00',
      ],
      "'2026-03-31'::date": ['date', '2026-03-31'],
      'array[1,2]::bigint[]': ['bigint[]', '{1,2}'],
      "'[1e400, 9007199254740993]'::json": ['json', '[1e400, 9007199254740993]'],
      true: ['boolean', true],
      'null::text': ['text', null],
    };
    const list = Object.keys(values).map((value) => `${value} AS twin`);
    const { columns, rows } = await runJson(`SELECT ${list.join(', ')}`);
    expect(columns).toEqual(Object.values(values).map(([type]) => ({ name: 'twin', type })));
    expect(rows).toEqual([Object.values(values).map(([, value]) => value)]);
  });

  it('prints no more rows than asked for, and says when there are more', async () => {
    const all = 'SELECT n FROM public.numbers';
    const some = await runJson(all, '--max-rows', '3');
    expect([some.rows.length, some.truncated]).toEqual([3, true]);
    const whole = await runJson(all, '--max-rows', '5000');
    expect([whole.rows.length, whole.truncated]).toEqual([5000, false]);
    expect((await run([all, '--max-rows', '3'])).err).toContain('The first 3 rows; there are more.');
    expect((await run([`${all} WHERE false`])).out).toBe('n\n');
  });

  it('lets no value steer the terminal', async () => {
    const { out } = await run([String.raw`SELECT E'a\nb\x1b[2J' || chr(155) AS "t	1"`]);
    expect(out).toBe('t\\t1\na\\nb\\u001b[2J\\u009b\n');
  });

  it.each([
    'INSERT INTO public.numbers VALUES (0)',
    'WITH gone AS (DELETE FROM public.numbers RETURNING n) SELECT n FROM gone',
    'SELECT 1; DELETE FROM public.numbers',
    'SELECT 1; COMMIT; DELETE FROM public.numbers',
    'COMMIT',
    'ROLLBACK',
    'SELECT n FROM public.numbers FOR UPDATE',
    'SELECT n INTO public.copy FROM public.numbers',
    'CREATE TABLE public.copy AS SELECT 1',
    'ANALYZE DELETE FROM public.numbers',
    'EXPLAIN ANALYZE DELETE FROM public.numbers',
    "SELECT set_config('transaction_read_only', 'off', true)",
    'SET TRANSACTION READ WRITE',
    'COPY public.numbers TO STDOUT',
    'SELECT lo_create(0)',
    "SELECT nextval('public.counter')",
    'SELECT nothing FROM public.numbers',
    'SELECT n FROM public.no_such_table',
    'SELECT 1 / 0',
    'SELECT $1',
    'SELEC 1',
    '',
  ])('refuses %j and changes nothing', async (sql) => {
    await query(servers.primary.url, 'CREATE SEQUENCE IF NOT EXISTS public.counter');
    for (const cost of ['0', '999999999']) {
      const { code, err } = await run([sql, '--json'], { QM_REPLICA_COST: cost });
      expect([code, JSON.parse(err)]).toEqual([
        exitCodes.invalid,
        { error: { kind: 'invalid', code: 'query_refused', detail: expect.stringContaining('refused: ') } },
      ]);
    }
    expect(await query(servers.primary.url, 'SELECT count(*)::int, min(n) FROM public.numbers')).toEqual([
      { count: 5000, min: 1 },
    ]);
    expect(await query(servers.primary.url, "SELECT to_regclass('public.copy') AS copy")).toEqual([
      { copy: null },
    ]);
  });

  it.each(['0', '999999999'])(
    'ends a query that takes too long (from cost %s on the replica)',
    async (cost) => {
      const { code, err } = await run(['SELECT pg_sleep(600)', '--timeout', '1'], { QM_REPLICA_COST: cost });
      expect(code).toBe(exitCodes.busy);
      expect(err).toMatch(/longer than 1 s[\s\S]*statement_canceled/);
      for (const { adminUrl } of [servers.primary, servers.replica]) {
        expect(await query(adminUrl, SLEEPERS)).toEqual([]);
      }
    },
  );

  it.each(['0', '999999999'])('ends when it is interrupted (from cost %s on the replica)', async (cost) => {
    const interrupt = new AbortController();
    const { adminUrl } = cost === '0' ? servers.replica : servers.primary;
    const running = run(
      ['SELECT pg_sleep(600)', '--timeout', '900'],
      { QM_REPLICA_COST: cost },
      interrupt.signal,
    );
    while ((await query(adminUrl, SLEEPERS)).length === 0);
    interrupt.abort('SIGINT');
    expect((await running).code).toBe(exitCodes.aborted);
    // PostgreSQL notices by itself that nobody listens.
    while ((await query(adminUrl, SLEEPERS)).length > 0);
  });

  it.each([[], ['SELECT 1', '--max-rows', '0'], ['SELECT 1', '--timeout', '1.5'], ['SELECT 1', 'SELECT 2']])(
    'ends a wrong call (%j) with its own exit code',
    async (...args) => {
      expect((await run(args)).code).toBe(EXIT_USAGE);
    },
  );
});

const SLEEPERS = `
  SELECT FROM pg_stat_activity
  WHERE state = 'active' AND query LIKE 'FETCH%' AND pid <> pg_backend_pid() AND backend_type = 'client backend'`;
