import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { judgeConnections, judgeSlots } from '../../src/cli/doctor/sessions.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { migrateUp } from '../support/migrate.ts';
import { startServer } from '../support/server.ts';
import { breaks, findingOf, run, sessionOf } from './doctor.ts';
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

describe('sessions', () => {
  breaks('connections', 'processes that may want more than there are', async () => {
    const look = await sessionOf(bad.url, 'SELECT 1', 'quartermaster-look');
    onTestFinished(look.end);
    return {
      env: { ...bad.env, QM_POOL_MAX: '50' },
      outcome: 'advice',
      found: /1 processes? with QM_POOL_MAX=50 may open up to 105 connections, and the server has 37 to give/,
    };
  });
  it('connections are counted', () => {
    const facts = { used: 10, limit: 100, reserved: 3, serving: 2 };
    expect(judgeConnections(facts, 10)).toBeUndefined();
    expect(judgeConnections({ ...facts, used: 90 }, 10)?.outcome).toBe('failed');
    expect(judgeConnections({ ...facts, used: 80 }, 10)?.outcome).toBe('advice');
    expect(judgeConnections(facts, 30)?.outcome).toBe('advice');
  });
  breaks('idle-in-transaction', 'somebody who has gone for coffee', async () => {
    const idle = await sessionOf(home.adminUrl, 'BEGIN; SELECT 1', 'psql of ann');
    onTestFinished(idle.end);
    return {
      env: { QM_DATABASE_URL: home.adminUrl },
      limits: { idleInTransaction: 0 },
      outcome: 'advice',
      found: /process \d+ of postgres \(psql of ann\) for \d+ s/,
      advice: /pg_terminate_backend/,
    };
  });
  breaks('long-transactions', 'a statement that goes on and on', async () => {
    const url = `${home.adminUrl}?application_name=slow_report`;
    const isGoing = "FROM pg_stat_activity WHERE application_name = 'slow_report' AND state = 'active'";
    const going = run(url, 'SELECT pg_sleep(60)').catch(() => {});
    onTestFinished(async () => {
      await run(home.adminUrl, `SELECT pg_terminate_backend(pid) ${isGoing}`);
      await going;
    });
    while ((await run(home.adminUrl, `SELECT ${isGoing}`)).length === 0);
    return {
      env: { QM_DATABASE_URL: home.adminUrl },
      limits: { longTransaction: 0 },
      outcome: 'advice',
      found: /process \d+ of postgres \(slow_report\) for \d+ s/,
    };
  });
  breaks('long-transactions', 'a prepared transaction that was forgotten', async () => {
    await run(bad.adminUrl, "BEGIN; CREATE TABLE public.half (n int); PREPARE TRANSACTION 'half'");
    onTestFinished(async () => void (await run(bad.adminUrl, "ROLLBACK PREPARED 'half'")));
    return {
      env: bad.env,
      limits: { prepared: 0 },
      outcome: 'advice',
      found: /prepared transaction half of postgres/,
      advice: /ROLLBACK PREPARED/,
    };
  });
  it('of others that are not shown it is said so', async () => {
    const other = await sessionOf(home.adminUrl, 'SELECT 1');
    onTestFinished(other.end);
    expect(await findingOf({ env: { QM_DATABASE_URL: home.url } }, 'idle-in-transaction')).toMatchObject({
      outcome: 'skipped',
      why: expect.stringContaining('pg_read_all_stats'),
    });
  });
  breaks('replication-slots', 'a slot whose reader is gone', async () => {
    const own = await startServer();
    onTestFinished(() => own.stop());
    await migrateUp({ url: own.url, zone: 'UTC' });
    await run(own.adminUrl, "SELECT pg_create_physical_replication_slot('gone', true)");
    return {
      env: { QM_DATABASE_URL: own.url },
      outcome: 'advice',
      found: /Nobody reads replication slot gone keeps .* of WAL/,
      advice: /pg_drop_replication_slot/,
    };
  });
  it('a slot that keeps much fails', () => {
    const slot = { kind: 'slot', who: 'replication slot gone', seconds: null, bytes: 5 * GIB } as const;
    expect(judgeSlots([slot], GIB)).toMatchObject({
      outcome: 'failed',
      found: expect.stringContaining('5.0 GiB'),
    });
    expect(judgeSlots([], GIB)).toBeUndefined();
  });
});

describe('roles of a whole server', () => {
  breaks('roles', 'rights that a role has by itself', async () => {
    await run(
      bad.adminUrl,
      'ALTER ROLE quartermaster_api CREATEROLE; ALTER ROLE quartermaster_reader RESET search_path',
    );
    return {
      env: bad.env,
      outcome: 'failed',
      found: /quartermaster_api may create roles, quartermaster_reader has no fixed search_path/,
    };
  });
  breaks('roles', 'a member of the owner', async () => {
    await run(bad.adminUrl, 'GRANT quartermaster_owner TO quartermaster_api');
    return {
      env: bad.env,
      outcome: 'failed',
      found: /quartermaster_api is a member of quartermaster_owner/,
    };
  });
});
