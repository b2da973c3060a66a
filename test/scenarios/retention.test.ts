import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTown, type Town } from './support.ts';

let town: Town;
const NOW = '2025-05-05T12:00:00Z';
const online = (quarters: number) => ({ QM_ONLINE_QUARTERS: String(quarters), QM_DROP_AFTER_DAYS: '30' });
const states = async () =>
  Object.fromEntries((await town.standing()).map((line) => line.split(/:? /, 2) as [string, string]));

/** Payments in every quarter from 2024q1 to 2025q1. */
beforeEach(async () => {
  town = await openTown();
  await town.pay(
    ['2024-02-02', '2024-05-05', '2024-08-08', '2024-11-11', '2025-02-02'].map((day) => `${day}T00:00:00Z`),
    NOW,
  );
  await town.ok('reconcile', NOW);
});

afterEach(async () => {
  await town?.drop();
});

/** A transaction that has read everything and stays open. */
async function longReader() {
  const client = new pg.Client({ connectionString: town.url, application_name: 'a long report' });
  await client.connect();
  await client.query('BEGIN; SELECT count(*) FROM ledger.transactions; SELECT count(*) FROM ledger.entries');
  return client;
}

describe('what stays online', () => {
  it('is what policy says: lowered, more leaves; raised, nothing comes back and nothing more leaves', async () => {
    await town.live(NOW, online(5));
    expect(await states()).toMatchObject({ '2024q1': 'detached', '2024q2': 'closed', '2025q1': 'closed' });
    expect(await town.live(NOW, online(5))).toEqual([]);
    await town.live(NOW, online(3));
    expect(await states()).toMatchObject({ '2024q2': 'detached', '2024q3': 'detached', '2024q4': 'closed' });
    expect(await town.live(NOW, online(8))).toEqual([]);
    expect(await states()).toMatchObject({ '2024q3': 'detached', '2024q4': 'closed', '2025q1': 'closed' });
    expect(await town.ok('reconcile --fix', NOW, online(8))).toMatchObject({
      created: [],
      drift: [],
      fixed: [],
    });
    const rows = await town.sql('SELECT count(*)::int AS n FROM ledger.transactions');
    expect(rows).toEqual([{ n: 2 }]);
  });

  it('is a held quarter, whatever policy says', async () => {
    await town.ok('quarters hold 2024q1 --reason audit', NOW);
    await town.live(NOW, online(1));
    expect(await states()).toMatchObject({ '2024q1': 'closed', '2024q2': 'detached', '2025q1': 'detached' });
    expect((await town.run('quarters detach 2024q1', NOW)).code).not.toBe(0);
  });

  it('is a restored quarter until it is released, however long ago policy let it go', async () => {
    await town.live(NOW, online(1));
    await town.ok('quarters restore 2024q1 --reason "a question" --until 2026-12-31', NOW);
    const standing = '2024q1 restored: attached attached';
    expect(await town.standing()).toContain(standing);
    for (const later of ['2025-07-07T00:00:00Z', '2026-10-10T00:00:00Z']) {
      await town.live(later, online(1));
      expect(await town.ok('reconcile --fix', later)).toMatchObject({ drift: [], failed: [], repaired: [] });
      expect(await town.standing()).toContain(standing);
    }
    expect(await town.sql('SELECT count(*)::int AS n FROM ledger.transactions_2024q1')).toEqual([{ n: 1 }]);
  });
});

describe('an interrupted detach', () => {
  /** Archives 2024q1, begins its detach behind a reader, and ends the session that waits. */
  async function interrupt(): Promise<void> {
    for (const verb of ['close', 'archive', 'verify']) await town.ok(`quarters ${verb} 2024q1`, NOW);
    const reader = await longReader();
    const detach = town.run('quarters detach 2024q1', NOW);
    for (;;) {
      const [waiting] = await town.sql(`
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE '%DETACH PARTITION%' AND wait_event_type IN ('Lock', 'Extension')
          AND pid <> pg_backend_pid()`);
      if (waiting !== undefined) break;
    }
    const { code, err } = await detach;
    expect([code, err]).toEqual([69, expect.stringContaining('database_unavailable')]);
    await reader.end();
    expect(await town.standing()).toContain('2024q1 archived: detaching attached');
  }

  it('is told, and ended by the reconcile and the next detach, in any order', async () => {
    await interrupt();
    const doctor = await town.run('doctor', NOW);
    expect(JSON.stringify(doctor.report)).toContain(
      'The detach of ledger.transactions_2024q1 was interrupted',
    );
    expect(await town.ok('reconcile', NOW)).toMatchObject({
      finalized: ['transactions_2024q1'],
      drift: [{ code: 'detach_unfinished' }],
    });
    await town.ok('quarters detach 2024q1', NOW);
    expect(await town.standing()).toContain('2024q1 detached: standalone standalone');
    expect(await town.ok('reconcile', NOW)).toMatchObject({ finalized: [], drift: [], repaired: [] });
  });

  it('is ended although the role has short timeouts, and although another quarter comes first', async () => {
    await interrupt();
    const role = decodeURIComponent(new URL(town.url).username);
    await town.sql(
      `ALTER ROLE ${role} SET statement_timeout = '300ms'; ALTER ROLE ${role} SET lock_timeout = '100ms'`,
    );
    for (const verb of ['close', 'archive', 'verify']) await town.ok(`quarters ${verb} 2024q2`, NOW);
    const reader = await longReader();
    await reader.query('SET statement_timeout = 0');
    const detach = town.ok('quarters detach 2024q2', NOW);
    // The finaliser waits for the reader, longer than any statement of the role may take.
    await reader.query('SELECT pg_sleep(1)');
    expect(await town.standing()).toContain('2024q1 archived: detaching attached');
    await reader.query('COMMIT');
    await reader.end();
    await detach;
    await town.ok('quarters detach 2024q1', NOW);
    expect((await town.standing()).slice(0, 2)).toEqual([
      '2024q1 detached: standalone standalone',
      '2024q2 detached: standalone standalone',
    ]);
  });

  it('that only lacks its state row is brought to its end, and one by hand is as good', async () => {
    for (const verb of ['close', 'archive', 'verify']) await town.ok(`quarters ${verb} 2024q1`, NOW);
    await town.sql(`ALTER TABLE ledger.transactions DETACH PARTITION ledger.transactions_2024q1;
      ALTER TABLE ledger.entries DETACH PARTITION ledger.entries_2024q1`);
    expect(await town.ok('reconcile --dry-run', NOW)).toMatchObject({ repaired: ['2024q1'] });
    expect(await town.ok('reconcile', NOW)).toMatchObject({ repaired: ['2024q1'], drift: [] });
    const [event] = await town.sql(
      `SELECT event, detail FROM quartermaster.quarter_events WHERE quarter = '2024q1' ORDER BY id DESC LIMIT 1`,
    );
    expect(event).toEqual({ event: 'detach', detail: { repaired: true } });
    expect(await town.standing()).toContain('2024q1 detached: standalone standalone');
  });
});

describe('a long reader in front of a detach', () => {
  it('is told with its pid, and writers and readers go on while the detach waits', async () => {
    for (const verb of ['close', 'archive', 'verify']) await town.ok(`quarters ${verb} 2024q1`, NOW);
    const reader = await longReader();
    const [{ pid }] = (await reader.query('SELECT pg_backend_pid() AS pid')).rows;
    let ended = false;
    const detach = town.run('quarters detach 2024q1', NOW).finally(() => {
      ended = true;
    });
    await waitUntil(async () => {
      const rows = await town.sql(`SELECT FROM pg_stat_activity WHERE datname = current_database()
        AND query LIKE '%DETACH PARTITION%' AND ${pid} = ANY (pg_blocking_pids(pid))`);
      return rows.length > 0;
    });
    await town.pay(['2025-05-05T11:00:00Z'], NOW);
    await town.ok('quarters create 2026q1', NOW);
    expect(await town.sql('SELECT count(*)::int AS n FROM ledger.transactions')).toEqual([{ n: 5 }]);
    expect(ended).toBe(false);
    // The next look at who is in the way is a second off.
    await reader.query('SELECT pg_sleep(1.5)');
    await reader.query('COMMIT');
    await reader.end();
    const { code, err } = await detach;
    expect(code).toBe(0);
    expect(err).toMatch(new RegExp(`Waiting for ledger\\.transactions, .*pid ${pid} for \\d+ s`));
  });

  it('keeps a plain detach from being made, and no writer from getting through', async () => {
    // Beside a DEFAULT partition PostgreSQL detaches nothing concurrently.
    await town.sql('CREATE TABLE ledger.rest PARTITION OF ledger.transactions DEFAULT');
    for (const verb of ['close', 'archive', 'verify']) await town.ok(`quarters ${verb} 2024q1`, NOW);
    const reader = await longReader();
    let ended = false;
    const detach = town.run('quarters detach 2024q1', NOW).finally(() => {
      ended = true;
    });
    await waitUntil(async () => {
      const rows = await town.sql(`SELECT FROM pg_stat_activity WHERE datname = current_database()
        AND query LIKE '%DETACH PARTITION%' AND wait_event_type = 'Lock'`);
      return rows.length > 0;
    });
    for (const hour of ['08', '09', '10']) await town.pay([`2025-05-05T${hour}:00:00Z`], NOW);
    expect(ended).toBe(false);
    await reader.query('COMMIT');
    await reader.end();
    expect((await detach).code).toBe(0);
    expect(await town.standing()).toContain('2024q1 detached: standalone standalone');
  });
});

async function waitUntil(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds()));
}
