import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { type JobRun, maintenanceQueue } from '../../src/queue/job.ts';
import { runJob } from '../../src/queue/run-job.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { query } from '../support/embedded.ts';
import { blocksOf, podCallsOf } from '../support/runbook.ts';

// Who carries out what the runbooks say: which pod may, and what a person on call sees in psql.

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');
const cli = join(root, 'src', 'main', 'cli.ts');
const folder = join(root, 'docs', 'runbooks');
const pages = readdirSync(folder)
  .filter((name) => name.endsWith('.md'))
  .map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));
const readme = pages.find(({ name }) => name === 'README.md')?.text ?? '';
const calls = pages.flatMap(({ name, text }) => podCallsOf(text).map((call) => ({ name, ...call })));

let home: TestDatabase;

beforeAll(async () => {
  home = await createDatabase({ roles: true });
});

afterAll(() => home?.drop());

/** What a pod may do: the first words of a call. */
const owners = ['keys', 'reports grant', 'migrate up', 'migrate down'];
const looks = [
  'doctor',
  'query',
  'keys list',
  'migrate status',
  'quarters list',
  'quarters show',
  'summaries show',
];

function isAllowed(pod: string, call: string): boolean {
  const begins = (some: readonly string[]) => some.some((one) => `${call} `.startsWith(`${one} `));
  if (pod === 'toolbox') return begins([...owners, 'migrate status']);
  return pod === 'worker' ? !begins(owners) : pod === 'api' && begins(looks);
}

describe('a pod that a runbook names', () => {
  it('may do what it is told there', () => {
    expect(calls.length).toBeGreaterThan(40);
    expect(new Set(calls.map(({ pod }) => pod))).toEqual(new Set(['api', 'worker', 'toolbox']));
    const refused = calls.filter(({ pod, call }) => !isAllowed(pod, call));
    expect(refused).toEqual([]);
    expect(isAllowed('api', 'keys revoke') || isAllowed('worker', 'keys list')).toBe(false);
  });

  /** The code with which the program ends as a role. */
  const attempt = async (role: 'api' | 'worker', call: readonly string[]) => {
    const env = { PATH: process.env.PATH, QM_DATABASE_URL: home.as(role), QM_STORE: 'file:///nowhere' };
    try {
      await run(process.execPath, [cli, ...call], { env });
      return 'done';
    } catch (error) {
      const { stderr = '', stdout = '' } = error as { stderr?: string; stdout?: string };
      return `${stdout}${stderr}`.includes('insufficient_privilege') ? 'refused' : 'other';
    }
  };

  it.each([
    ['api', 'keys list', 'done'],
    ['api', 'keys create --name x --role reader', 'refused'],
    ['worker', 'keys list', 'refused'],
    ['api', 'migrate status', 'done'],
    ['worker', 'migrate status', 'done'],
    ['api', 'quarters list', 'done'],
    ['api', 'summaries show', 'done'],
    ['api', 'run refresh-summaries', 'refused'],
  ] as const)('as %s: %s is %s, as the table of the README has it', async (role, call, outcome) => {
    expect(await attempt(role, call.split(' '))).toBe(outcome);
    expect(isAllowed(role, call)).toBe(outcome === 'done');
  });
});

describe('somebody on call, with the rights that the README grants', () => {
  const name = `oncall_${randomBytes(4).toString('hex')}`;
  let own: pg.Client;
  let other: pg.Client;
  let pid: number;

  /** A session of a worker that has forgotten to end its transaction. */
  async function forget(): Promise<void> {
    other = new pg.Client({ connectionString: home.as('worker'), application_name: 'forgetful' });
    other.on('error', () => {});
    await other.connect();
    // What it has seen once it keeps, and so keeps others from cleaning up.
    await other.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await other.query('LOCK TABLE ledger.entries IN ACCESS SHARE MODE');
    ({ pid } = (await other.query('SELECT pg_backend_pid() AS pid')).rows[0]);
  }

  beforeAll(async () => {
    // `migrate up` as the owner makes the queues.
    const env = { PATH: process.env.PATH, QM_DATABASE_URL: home.url };
    await run(process.execPath, [cli, 'migrate', 'up'], { env });
    const grants = blocksOf(readme)
      .flatMap(({ text }) => [...text.matchAll(/-c '((?:CREATE ROLE|GRANT) [^']*)'/g)])
      .map(([, text = '']) => text.replaceAll('oncall', name));
    expect(grants).toHaveLength(4);
    for (const grant of grants) await query(home.adminUrl, grant);
    await query(home.adminUrl, `ALTER ROLE ${name} PASSWORD 'on-call'`);
    await forget();
    const url = new URL(home.url);
    [url.username, url.password] = [name, 'on-call'];
    own = new pg.Client({ connectionString: url.href });
    await own.connect();
  });

  afterAll(async () => {
    await own?.end();
    await other?.end().catch(() => {});
    await query(home.adminUrl, `DROP OWNED BY ${name}`);
    await query(home.adminUrl, `DROP ROLE ${name}`);
  });

  const statements = pages.flatMap(({ name: page, text }) =>
    blocksOf(text)
      .filter(({ language }) => language === 'sql')
      .flatMap(({ text: sql, line }) =>
        sql
          .split(/;\s*$/m)
          .filter((one) => one.trim() !== '')
          .map((one) => [`${page}:${line}`, one.trim()] as const),
      ),
  );
  const asks = statements.filter(
    ([, sql]) => !/pg_(terminate_backend|drop_replication_slot|is_wal_replay_paused)\(/.test(sql),
  );

  it('is told so on every page that has statements', () => {
    const without = pages.filter(
      ({ name: page, text }) =>
        page !== 'README.md' &&
        blocksOf(text).some(({ language }) => language === 'sql') &&
        !/`pg_monitor` and `pg_signal_backend`: \[SQL\]\(README\.md#sql\)/.test(text),
    );
    expect(without.map(({ name: page }) => page)).toEqual([]);
    expect(readme).toContain('### SQL');
  });

  it.each(asks)('is answered: %s', async (_, sql) => {
    await own.query('BEGIN READ ONLY');
    try {
      await own.query(sql.replaceAll(/:'\w+'/g, "'x'"));
    } finally {
      await own.query('ROLLBACK');
    }
  });

  it.each(
    asks.filter(
      ([, sql]) =>
        /\bpid,/.test(sql) &&
        /xact_start/.test(sql) &&
        !/interval|cardinality|progress|waits_for.*application/.test(sql),
    ),
  )('sees the session of another role, and what it does: %s', async (_, sql) => {
    const { rows } = await own.query(sql.replaceAll(/LIMIT \d+/g, ''));
    const found = rows.find((row) => row.pid === pid);
    // Without the rights both are NULL, and the statement is hidden.
    expect([undefined, 'idle in transaction']).toContain(found?.state);
    expect(found.age ?? found.since).not.toBeNull();
    expect(found.query ?? 'SELECT').toMatch(/^SELECT/);
  });

  it('may end it, with the statement of the runbooks', async () => {
    const end = statements.find(([, sql]) => /pg_terminate_backend\(:pid\)$/.test(sql))?.[1] ?? '';
    const { rows } = await own.query(end.replace(':pid', String(pid)));
    expect(rows).toEqual([{ pg_terminate_backend: true }]);
    const left = 'SELECT count(*)::int AS n FROM pg_stat_activity WHERE pid = $1';
    await expect.poll(async () => (await own.query(left, [pid])).rows[0].n, { timeout: 10_000 }).toBe(0);
  });
});

describe('a line of the log that a runbook shows', () => {
  const samples = pages.flatMap(({ name, text }) =>
    [...text.matchAll(/^ *(\{"level":.*\})$/gm)].map(([, line = '']) => {
      const fields = JSON.parse(line.replaceAll(/…,/g, '')) as Record<string, unknown>;
      return { name, fields, msg: String(fields.msg) };
    }),
  );
  const lines: Record<string, unknown>[] = [];

  beforeAll(async () => {
    const logger = createLogger('info', { write: (text) => lines.push(JSON.parse(text)) });
    const queue = maintenanceQueue('archive');
    const handle = async () => {
      const blockers = [{ pid: 1, application: 'psql', state: 'active', transactionAge: 1 }];
      logger.warn({ relations: ['ledger.entries'], blockers, attempt: 1 }, 'waiting for a lock');
      throw new AppError('busy', 'lock_timeout', 'It is locked.');
    };
    const { signal } = new AbortController();
    const ran: JobRun = { id: '1', signal, logger, onProgress: () => {} };
    await runJob({ name: 'archive', queue, handle }, {}, ran);
  });

  it.each(samples)('has the fields of a real one: $name, $msg', ({ fields, msg }) => {
    const real = lines.find((line) => line.msg === msg);
    expect(Object.keys(real ?? {})).toEqual(expect.arrayContaining(Object.keys(fields)));
  });

  it('is some, and what is looked for in others are fields too', () => {
    expect(samples.length).toBeGreaterThan(1);
    // Of a line of a request and of a job, as src/platform/ids.ts names them.
    const known = ['level', 'msg', 'code', 'status', 'caller', 'job', 'job_id', 'request_id'];
    const asked = pages.flatMap(({ text }) =>
      [...text.matchAll(/grep [^\n]*?"([a-z_]+)":/g)].map(([, field]) => field),
    );
    expect(asked.filter((field) => !known.includes(field ?? ''))).toEqual([]);
    expect(pages.flatMap(({ text }) => [...text.matchAll(/by its `id`|and its `id`|"id":/g)])).toEqual([]);
  });
});
