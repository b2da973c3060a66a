import { describe, expect, it, onTestFinished } from 'vitest';
import { judgeKeys } from '../../src/cli/doctor/books.ts';
import { judgeSkew } from '../../src/cli/doctor/time.ts';
import { judgeFailed, judgeSchedules, judgeVersions, judgeWorkers } from '../../src/cli/doctor/work.ts';
import { fixedClock } from '../../src/core/clock.ts';
import { createDatabase } from '../support/database.ts';
import { migrateUp } from '../support/migrate.ts';
import { breaks, findingsOf } from './doctor.ts';
import { soundHouse } from './doctor-house.ts';

describe('a ledger that wants for nothing', () => {
  it('is well', async () => {
    const { env } = await soundHouse();
    const names = [
      'clocks',
      'zone-stored',
      'zone-known',
      'zone-data',
      'queue-installed',
      'worker-seen',
      'versions',
    ];
    names.push('jobs-failed', 'jobs-overdue', 'horizon', 'quarters', 'statistics', 'indexes', 'summaries');
    names.push('balances', 'ledgers', 'archives-present', 'archives-own', 'process-rights');
    const findings = await findingsOf({ env }, ...names);
    expect(findings.filter(({ outcome }) => outcome !== 'ok')).toEqual([]);
    expect(findings).toHaveLength(names.length);
  });
});

describe('time', () => {
  breaks('clocks', 'a machine that is late', async () => ({
    env: (await soundHouse()).env,
    clock: fixedClock('2020-01-01T00:00:00Z'),
    outcome: 'failed',
    found: /PostgreSQL and the one here are \d+ s apart/,
    advice: /NTP/,
  }));
  it('clocks may differ by a little', () => {
    const [there, here] = [new Date('2026-01-01T00:00:04Z'), new Date('2026-01-01T00:00:00Z')];
    expect(judgeSkew(there, here, 5, 'x')).toBeUndefined();
    expect(judgeSkew(here, there, 3, 'x')?.outcome).toBe('failed');
  });
  breaks('zone-stored', 'a zone that is another than at the first migration', async () => ({
    env: { ...(await soundHouse()).env, QM_TIMEZONE: 'Europe/Paris' },
    outcome: 'failed',
    found: /QM_TIMEZONE is Europe\/Paris, but this database was made with UTC/,
  }));
  breaks('zone-stored', 'another ledger set', async () => ({
    env: { ...(await soundHouse()).env, QM_LEDGER_SET: 'other' },
    outcome: 'failed',
    found: /QM_LEDGER_SET is other/,
  }));
  it('a wrong zone is told once', async () => {
    const { env } = await soundHouse();
    const wrong = { env: { ...env, QM_TIMEZONE: 'Europe/Paris' } };
    const findings = await findingsOf(wrong, 'zone-stored', 'zone-data');
    expect(findings.map(({ outcome }) => outcome)).toEqual(['failed', 'skipped']);
  });
  breaks('zone-known', 'a zone that PostgreSQL has never heard of', async () => ({
    env: (await soundHouse()).env,
    config: { timezone: 'Mars/Olympus' },
    outcome: 'failed',
    found: /no zone Mars\/Olympus/,
    advice: /tzdata/,
  }));
  breaks('zone-data', 'a quarter that begins at another instant', async () => {
    const { env, sql } = await soundHouse();
    await sql(
      "UPDATE quartermaster.quarters SET ends_at = ends_at + interval '1 hour' WHERE quarter = (SELECT max(quarter) FROM quartermaster.quarters)",
    );
    return { env, outcome: 'failed', found: /1 days of UTC do not/ };
  });
});

describe('the work', () => {
  breaks('queue-installed', 'a migration that stopped half-way', async () => {
    const home = await createDatabase({ migrated: false });
    onTestFinished(() => home.drop());
    await migrateUp({ url: home.url, zone: 'UTC' });
    return {
      env: { QM_DATABASE_URL: home.url },
      outcome: 'failed',
      found: /not installed/,
      advice: /migrate up/,
    };
  });
  breaks('queue-installed', 'a queue that is missing', async () => {
    const { env, sql } = await soundHouse();
    await sql("DELETE FROM pgboss.queue WHERE name = 'check-ledger'");
    return { env, outcome: 'failed', found: /none for check-ledger/ };
  });
  breaks('worker-seen', 'no worker', async () => {
    const { env, sql } = await soundHouse();
    await sql('DELETE FROM pgboss.instance');
    return { env, outcome: 'failed', found: /There is none/, advice: /quartermaster worker/ };
  });
  breaks('worker-seen', 'a worker that was killed', async () => {
    const { env, sql } = await soundHouse();
    await sql("UPDATE pgboss.instance SET heartbeat_on = now() - interval '3 hours'");
    return { env, outcome: 'failed', found: /process 7 on worker-1, gave its last sign of life 3 hours ago/ };
  });
  breaks('versions', 'two versions side by side', async () => {
    const { env, sql } = await soundHouse();
    await sql(`INSERT INTO pgboss.instance (id, host, pid, version, node_version, application_name, heartbeat_seconds,
                 supervise, schedule, migrate, persist_queue_stats, persist_warnings)
               SELECT gen_random_uuid(), 'worker-2', 8, '12.30.0', node_version, application_name, heartbeat_seconds,
                 supervise, schedule, migrate, persist_queue_stats, persist_warnings FROM pgboss.instance`);
    return {
      env,
      outcome: 'advice',
      found: /2 workers are of 2 versions: queue 12\.\d+\.0 on Node 24\.1\.0; queue 12/,
    };
  });
  breaks('jobs-failed', 'a step that failed', async () => {
    const { env, sql } = await soundHouse();
    await sql(`INSERT INTO pgboss.job (name, state, policy, singleton_key, retry_limit, retry_count)
               VALUES ('quarter', 'failed', 'key_strict_fifo', '2026q1', 0, 0)`);
    return { env, outcome: 'failed', found: /1 in quarter, which blocks one line/, advice: /quarters show/ };
  });
  breaks('jobs-overdue', 'a schedule that has fallen silent', async () => {
    const { env, sql } = await soundHouse();
    await sql(`INSERT INTO pgboss.schedule (name, cron) VALUES ('check-ledger', '50 4 * * *');
               INSERT INTO quartermaster.job_outcomes (job_name, succeeded_at) VALUES ('check-ledger', now() - interval '9 days')`);
    return {
      env,
      outcome: 'failed',
      found: /check-ledger last ended well 9 days ago and is due every 24 hours/,
      advice: /quartermaster run check-ledger/,
    };
  });
  it('schedules are judged one by one', () => {
    const schedule = {
      job: 'x',
      cron: '0 * * * *',
      succeeded: 1800,
      failed: null,
      failure: null,
      known: 1e6,
    };
    const of = (more: object, ready = 0) =>
      judgeSchedules([{ ...schedule, ...more }], ready, { jobReady: 900 });
    expect(of({})).toBeUndefined();
    expect(of({ succeeded: null })?.found).toContain('x has never ended well');
    expect(of({ succeeded: null, known: 60 })).toBeUndefined();
    expect(of({ failed: 60, failure: 'bad' })).toMatchObject({
      outcome: 'advice',
      found: 'x failed 60 s ago (bad).',
    });
    expect(of({ failed: 3000, failure: 'bad' })).toBeUndefined();
    expect(of({}, 1000)?.found).toContain('waited for 17 minutes');
  });
  it('workers and queues are judged by what they tell', () => {
    const worker = { host: 'a', pid: 1, queueVersion: '1', nodeVersion: 'v24.0.0', silent: 10 };
    expect(judgeWorkers([worker], 300)).toBeUndefined();
    expect(judgeVersions([worker, { ...worker, pid: 2 }])).toBeUndefined();
    expect(judgeFailed({ names: [], failed: [], ready: 0 })).toBeUndefined();
  });
});

describe('the books', () => {
  breaks('horizon', 'a ledger whose quarters run out', async () => {
    const { env, sql } = await soundHouse();
    await sql(`DO $$ DECLARE t text; BEGIN FOR t IN
        SELECT inhrelid::regclass FROM pg_inherits JOIN quartermaster.quarters ON inhrelid::regclass::text LIKE '%' || quarter
        WHERE inhparent IN ('ledger.entries'::regclass, 'ledger.transactions'::regclass) AND starts_at > now() LOOP
        EXECUTE 'DROP TABLE ' || t; END LOOP; END $$;
      DELETE FROM quartermaster.quarters WHERE starts_at > now()`);
    return { env, outcome: 'failed', found: /They end at 20\d\d-/, advice: /reconcile-partitions/ };
  });
  breaks('quarters', 'a partition that has rights of its own', async () => {
    const { env, sql } = await soundHouse();
    const [row] = await sql('SELECT max(quarter) AS quarter FROM quartermaster.quarters');
    await sql(`GRANT DELETE ON ledger.entries_${row?.quarter} TO PUBLIC`);
    return { env, outcome: 'failed', found: /DELETE for PUBLIC/, advice: /reconcile --fix/ };
  });
  breaks('statistics', 'a table that was filled and never analyzed', async () => {
    const { env, sql } = await soundHouse();
    await sql(`ALTER TABLE ledger.daily_totals SET (autovacuum_enabled = off)`);
    await sql(`INSERT INTO ledger.daily_balances (ledger_id, account_id, snapshot_date, closing_balance)
               SELECT 1, n, '2026-01-01', 1 FROM generate_series(1, 400000) AS n`);
    return {
      env,
      outcome: 'failed',
      found: /ledger\.daily_balances was never analyzed/,
      advice: /analyze-partitions/,
    };
  });
  breaks('indexes', 'an index that was left half built', async () => {
    const { env, sql } = await soundHouse();
    await sql(
      "UPDATE pg_index SET indisvalid = false WHERE indrelid = 'ledger.accounts'::regclass AND NOT indisprimary",
    );
    return { env, outcome: 'failed', found: /not valid|invalid/, advice: /indexes audit/ };
  });
  breaks('summaries', 'days that nobody has summed up', async () => {
    const { env, sql } = await soundHouse();
    await sql(`INSERT INTO ledger.ledgers (name) VALUES ('main');
               INSERT INTO quartermaster.summary_marks (ledger_id, day, marked_at) SELECT 1, current_date, now() - interval '1 hour'`);
    return { env, outcome: 'failed', found: /main are 60 minutes behind/, advice: /refresh-summaries/ };
  });
  breaks('balances', 'money from nowhere', async () => {
    const { env, sql } = await soundHouse();
    await sql(`INSERT INTO ledger.ledgers (name) VALUES ('main');
      INSERT INTO ledger.accounts (ledger_id, entity_id, group_type, currency) VALUES (1, 'ann', 'WALLET', 'EUR');
      INSERT INTO ledger.balances (ledger_id, account_id, posted) VALUES (1, 1, 100)`);
    return { env, outcome: 'failed', found: /main: balances in EUR sum to 100/ };
  });
  breaks('ledgers', 'an entry without its other side', async () => {
    const { env, sql } = await soundHouse();
    await sql(`INSERT INTO ledger.ledgers (name) VALUES ('main');
      INSERT INTO ledger.accounts (ledger_id, entity_id, group_type, currency) VALUES (1, 'ann', 'WALLET', 'EUR');
      INSERT INTO ledger.entries (ledger_id, account_id, created_at, version, transaction_id, amount, balance_after)
      VALUES (1, 1, now(), 1, gen_random_uuid(), 7, 7)`);
    return { env, outcome: 'failed', found: /main is off by 7 in EUR/ };
  });
  breaks('keys', 'nobody who may come in', async () => {
    const { home, sql } = await soundHouse();
    await sql('DELETE FROM quartermaster.api_keys');
    return {
      env: { QM_DATABASE_URL: home.as('owner') },
      outcome: 'advice',
      found: /There is none in the database/,
      advice: /^Run `quartermaster keys create/,
    };
  });
  breaks('keys', 'a key of an administrator that never ends', async () => {
    const { home, sql } = await soundHouse();
    await sql("UPDATE quartermaster.api_keys SET roles = '{admin}'");
    return {
      env: { QM_DATABASE_URL: home.as('api') },
      outcome: 'advice',
      found: /desk never expires/,
      advice: /keys revoke ID/,
    };
  });
  it('keys are judged by the moment', () => {
    const key = { name: 'k', roles: ['admin'], expiresAt: new Date('2026-02-01'), revokedAt: null };
    expect(judgeKeys([key], new Date('2026-01-01'), false)).toBeUndefined();
    expect(judgeKeys([key], new Date('2026-03-01'), false)?.found).toContain(
      'All 1 are revoked or have expired',
    );
    expect(judgeKeys([], new Date('2026-03-01'), true)).toBeUndefined();
    const means = [
      judgeKeys([], new Date(), false),
      judgeKeys([{ ...key, expiresAt: null }], new Date(), false),
    ];
    expect(means.map((fault) => fault?.means)).toEqual([
      expect.stringMatching(/^Only a key of one process opens the API/),
      expect.stringMatching(/^Whoever finds the key of an administrator/),
    ]);
  });
});
