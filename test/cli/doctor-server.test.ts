import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { judgeVersion } from '../../src/cli/doctor/server.ts';
import {
  judgeAutovacuum,
  judgeCheckpoints,
  judgeChecksums,
  judgeDurability,
  judgeMemory,
  judgePlanner,
  judgeSession,
} from '../../src/cli/doctor/server-settings.ts';
import type { Settings } from '../../src/db/inspect-settings.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { type Broken, breaks, findingOf, findingsOf, run } from './doctor.ts';
import { type BadServer, startBadServer } from './doctor-bad-server.ts';

const GIB = 1024 ** 3;

let bad: BadServer;
let home: TestDatabase;
beforeAll(async () => {
  [bad, home] = await Promise.all([startBadServer(), createDatabase()]);
});
afterAll(async () => {
  await Promise.all([bad?.stop(), home?.drop()]);
});

/** The database of the good server, with something set on it for one test. */
async function withSetting(setting: string, broken: Omit<Broken, 'env'>): Promise<Broken> {
  const own = await createDatabase();
  onTestFinished(() => own.drop());
  await run(own.adminUrl, `ALTER DATABASE "${own.name}" SET ${setting}`);
  return { env: { QM_DATABASE_URL: own.url }, ...broken };
}

const settingsOf = (values: Record<string, string>, unit: string | null = null): Settings =>
  new Map(
    Object.entries(values).map(([name, setting]) => [name, { name, setting, unit, source: 'database' }]),
  );

describe('a server that is set up well', () => {
  it('is well, and a role that may not see everything is told so', async () => {
    const names = [
      'server-version',
      'takes-writes',
      'autovacuum',
      'wraparound',
      'lock-table',
      'server-memory',
    ];
    names.push('planner-settings', 'session-settings', 'wal-level');
    names.push('replication-slots', 'roles');
    const findings = await findingsOf({ env: { QM_DATABASE_URL: home.url } }, ...names);
    expect(findings.filter(({ outcome }) => outcome !== 'ok')).toEqual([]);
    const space = await findingOf({ env: { QM_DATABASE_URL: home.url } }, 'database-space');
    expect(space).toMatchObject({ outcome: 'skipped', why: expect.stringContaining('pg_read_all_settings') });
  });
});

describe('a server that is not', () => {
  it('server-version: is judged by what it is', () => {
    expect(judgeVersion(140_012)).toMatchObject({
      outcome: 'failed',
      found: 'It is 14, and 15 is the least.',
    });
    expect(judgeVersion(190_000)).toMatchObject({ outcome: 'advice' });
    for (const good of [150_000, 160_004, 180_001]) expect(judgeVersion(good)).toBeUndefined();
  });

  breaks('takes-writes', 'transactions that only read', () =>
    withSetting('default_transaction_read_only = on', {
      outcome: 'failed',
      found: /default_transaction_read_only is on/,
      advice: /RESET default_transaction_read_only/,
    }),
  );
  breaks('durability', 'fsync that is off', () => ({
    env: bad.env,
    outcome: 'failed',
    found: /^fsync is off\.$/,
  }));
  breaks('durability', 'commits that are answered too early', () =>
    withSetting('synchronous_commit = off', { outcome: 'failed', found: /synchronous_commit/ }),
  );
  it('durability is whole or not', () => {
    const well = { fsync: 'on', full_page_writes: 'on', synchronous_commit: 'local' };
    expect(judgeDurability(settingsOf(well))).toBeUndefined();
    expect(judgeDurability(settingsOf({ ...well, full_page_writes: 'off' }))?.found).toBe(
      'full_page_writes is off.',
    );
  });
  it('checksums: pages that are not checked are told', () => {
    expect(judgeChecksums(settingsOf({ data_checksums: 'off' }))).toMatchObject({ outcome: 'advice' });
    expect(judgeChecksums(settingsOf({ data_checksums: 'on' }))).toBeUndefined();
  });
  breaks('autovacuum', 'a server without', () => ({
    env: bad.env,
    outcome: 'failed',
    found: /^autovacuum is off\.$/,
  }));
  breaks('autovacuum', 'a table without', async () => {
    await run(home.adminUrl, 'ALTER TABLE ledger.balances SET (autovacuum_enabled = off)');
    onTestFinished(
      async () => void (await run(home.adminUrl, 'ALTER TABLE ledger.balances RESET (autovacuum_enabled)')),
    );
    return {
      env: { QM_DATABASE_URL: home.url },
      outcome: 'advice',
      found: /switched off for ledger\.balances/,
      advice: /ALTER TABLE ledger\.balances RESET/,
    };
  });
  it('autovacuum counts on its counters', () => {
    expect(judgeAutovacuum(settingsOf({ autovacuum: 'on', track_counts: 'off' }))).toHaveLength(1);
  });
  breaks('wraparound', 'old transactions', () => ({
    env: { QM_DATABASE_URL: home.url },
    limits: { ageAdvice: 1 },
    outcome: 'advice',
    found: /The oldest is [\d,]+ transactions old/,
    advice: /vacuumdb --freeze/,
  }));
  breaks('wraparound', 'the end of transactions', () => ({
    env: { QM_DATABASE_URL: home.url },
    limits: { ageAdvice: 1, ageFailed: 1 },
    outcome: 'failed',
    found: /transactions old/,
  }));
  breaks('lock-table', 'more relations than locks', async () => {
    await run(
      bad.adminUrl,
      `DO $$ BEGIN FOR i IN 1..30 LOOP
      EXECUTE format('CREATE TABLE IF NOT EXISTS ledger.entries_19%s PARTITION OF ledger.entries FOR VALUES FROM (%L) TO (%L)',
        i + 10, make_date(1900 + i, 1, 1), make_date(1901 + i, 1, 1)); END LOOP; END $$`,
    );
    return { env: bad.env, outcome: 'advice', found: /locks \d+ relations, and there is room for 450 locks/ };
  });
  breaks('database-space', 'a disk that is full', () => ({
    env: { QM_DATABASE_URL: home.adminUrl },
    limits: { freeFailed: 2 ** 60 },
    outcome: 'failed',
    found: /The disk of the database, \/.* has .* free/,
  }));
  it('database-space is not asked of another machine', async () => {
    const config = { databaseUrl: 'postgres://a:b@db.example.com/x', directDatabaseUrl: undefined };
    const finding = await findingOf({ env: {}, config, limits: { connectMs: 300 } }, 'database-space');
    expect(finding.outcome).toBe('skipped');
  });
  breaks('server-memory', 'settings of a toy', () => ({
    env: bad.env,
    limits: { largeDatabase: 1 },
    outcome: 'advice',
    found: /shared_buffers is 16\.0 MiB.*work_mem is 64\.0 KiB.*maintenance_work_mem is 1\.0 MiB/,
  }));
  it('server-memory is judged by the size', () => {
    const load = { bytes: 8 * GIB, checkpointsTimed: 0, checkpointsRequested: 0 };
    const of = (shared: string, work: string, maintenance: string) =>
      judgeMemory(
        settingsOf({ shared_buffers: shared, work_mem: work, maintenance_work_mem: maintenance }, 'MB'),
        load,
        4 * GIB,
      ).map(({ found }) => found.split(' ').at(-1));
    expect(of('2048', '16', '512')).toEqual([]);
    expect(of('128', '16', '512')).toHaveLength(1);
    expect(of('128', '4', '64')).toHaveLength(2);
    expect(
      judgeMemory(settingsOf({ shared_buffers: '128' }, 'MB'), { ...load, bytes: GIB }, 4 * GIB),
    ).toEqual([]);
  });
  breaks('checkpoints', 'checkpoints all the time', () => ({
    env: bad.env,
    outcome: 'advice',
    found: /checkpoint_timeout is 30 s/,
  }));
  it('checkpoints that come before their time are told', () => {
    const load = { bytes: GIB, checkpointsTimed: 10, checkpointsRequested: 60 };
    const of = (more: object, wal = '1024') =>
      judgeCheckpoints(settingsOf({ max_wal_size: wal }, 'MB'), { ...load, ...more });
    expect(of({})[0]).toMatchObject({ found: expect.stringContaining('60 of 70 checkpoints') });
    expect(of({ checkpointsRequested: 5 })).toEqual([]);
    expect(of({}, '8192')).toEqual([]);
  });
  breaks('planner-settings', 'quarters that are all looked into', () =>
    withSetting('enable_partition_pruning = off', {
      outcome: 'failed',
      found: /enable_partition_pruning is off/,
      advice: /enable_partition_pruning = on/,
    }),
  );
  breaks('planner-settings', 'a planner that knows little', () => ({
    env: bad.env,
    outcome: 'advice',
    found: /default_statistics_target is 10/,
  }));
  it('planner-settings are judged one by one', () => {
    const of = (values: Record<string, string>, bytes = 8 * GIB) =>
      judgePlanner(settingsOf(values), { bytes, checkpointsTimed: 0, checkpointsRequested: 0 }, 4 * GIB);
    expect(of({ jit: 'on', jit_above_cost: '100000', random_page_cost: '1.1' })).toEqual([]);
    expect(of({ jit: 'on', jit_above_cost: '1000' })).toHaveLength(1);
    expect(of({ random_page_cost: '4' })).toHaveLength(1);
    expect(of({ random_page_cost: '4' }, GIB)).toEqual([]);
    expect(of({ enable_indexscan: 'off' })).toHaveLength(1);
  });
  breaks('session-settings', 'a limit that cuts long work', () =>
    withSetting("statement_timeout = '30s'", {
      outcome: 'advice',
      found: /statement_timeout is 30 s/,
      advice: /SET statement_timeout = 0/,
    }),
  );
  breaks('session-settings', 'a clock on another wall', () =>
    withSetting("TimeZone = 'America/New_York'", {
      outcome: 'advice',
      found: /TimeZone is America\/New_York \(by database\), and the ledger is kept in UTC/,
    }),
  );
  breaks('session-settings', 'another isolation', () =>
    withSetting("default_transaction_isolation = 'serializable'", {
      outcome: 'advice',
      found: /serializable/,
    }),
  );
  breaks('session-settings', 'a search_path through a schema of others', () =>
    withSetting('search_path = staging, public', { outcome: 'advice', found: /names staging/ }),
  );
  it('session-settings are judged one by one', () => {
    const of = (values: Record<string, string>) => judgeSession(settingsOf(values, 'ms'), 'app');
    for (const name of ['idle_session_timeout', 'transaction_timeout', 'statement_timeout', 'lock_timeout'])
      expect(of({ [name]: '1000' })).toHaveLength(1);
    expect(of({ lock_timeout: '30000', statement_timeout: '0' })).toEqual([]);
    expect(of({ search_path: '"$user", public' })).toEqual([]);
  });
  breaks('wal-level', 'a WAL for nobody', () => ({ env: bad.env, outcome: 'advice', found: /minimal/ }));
});
