import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CompiledQuery, sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { partitionSettings } from '../../src/db/partition.ts';
import { packageRoot } from '../../src/db/root.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { structureDrift } from '../../src/quarters/drift.ts';
import { reconcile } from '../../src/quarters/reconcile.ts';
import { analyzePartitions } from '../../src/summaries/analyze.ts';
import { openHouse, run } from '../quarters/support.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let home: TestDatabase;
let house: QuarterHouse;
const ddl = (text: string) => sql.raw(text).execute(house.database.direct);
const migrate = async (way: 'up' | 'down') =>
  ddl(await readFile(join(packageRoot(), 'sql', 'migrations', `0020_statistics.${way}.sql`), 'utf8'));

beforeEach(async () => {
  home = await createDatabase();
  house = openHouse(home.url, { premake: 1, now: '2024-05-05T00:00:00Z' });
  await ensureQuarters(house, run, new Date('2024-01-01'), new Date('2024-05-05'));
});

afterEach(async () => {
  await house?.database.close();
  await home?.drop();
});

/** What each partition is set to, and the statistics objects there are. */
async function found(): Promise<{ settings: Record<string, string>; statistics: string[] }> {
  const { rows } = await sql<{ name: string; options: string[] }>`
    SELECT c.relname AS name, coalesce(c.reloptions, '{}') AS options FROM pg_class AS c
    WHERE c.relname ~ '^(transactions|entries)_2024q' AND c.relkind = 'r' ORDER BY c.relname`.execute(
    house.database.direct,
  );
  const made = await sql<{ text: string }>`
    SELECT pg_get_statisticsobjdef(oid) AS text FROM pg_statistic_ext ORDER BY stxname`.execute(
    house.database.direct,
  );
  return {
    settings: Object.fromEntries(rows.map(({ name, options }) => [name, options.toSorted().join(' ')])),
    statistics: made.rows.map(({ text }) => text),
  };
}

describe('the migration', () => {
  const all = Object.entries(partitionSettings)
    .map((setting) => setting.join('='))
    .toSorted()
    .join(' ');

  it('gives the partitions that are there what new ones are made with, and takes it back', async () => {
    const fresh = await found();
    expect(new Set(Object.values(fresh.settings))).toEqual(new Set([all]));
    expect(fresh.statistics).toContain(
      'CREATE STATISTICS ledger.transactions_2024q1_status_currency_stat (mcv) ON status, currency FROM ledger.transactions_2024q1',
    );
    await migrate('down');
    const before = await found();
    expect(new Set(Object.values(before.settings))).toEqual(new Set(['']));
    expect(before.statistics).toEqual([]);
    await migrate('up');
    expect(await found()).toEqual(fresh);
    expect(await structureDrift(house.database.direct)).toEqual([]);
  });

  it('leaves what somebody has set', async () => {
    await migrate('down');
    await ddl('ALTER TABLE ledger.entries_2024q1 SET (autovacuum_analyze_scale_factor = 0.5)');
    await migrate('up');
    const { settings } = await found();
    expect(settings.entries_2024q1).toBe(all.replace('scale_factor=0.02', 'scale_factor=0.5'));
    expect(settings.entries_2024q2).toBe(all);
  });
});

describe('statistics that a partition lacks', () => {
  const fix = () => reconcile(house, run, { fix: true });

  it('are made for its partitions, and then hold something', async () => {
    await ddl('CREATE STATISTICS ledger.later (ndistinct, mcv) ON account_id, amount FROM ledger.entries');
    await ddl(`INSERT INTO ledger.entries SELECT 1, n, '2024-02-02 00:00:00+00', 1, gen_random_uuid(), n, n
               FROM generate_series(1, 100) AS n`);
    const report = await fix();
    expect(report).toMatchObject({ drift: [], failed: [] });
    expect(report.fixed.map(({ relation }) => relation)).toEqual(
      expect.arrayContaining(['ledger.entries_2024q1', 'ledger.entries_2024q2']),
    );
    expect((await found()).statistics).toContain(
      'CREATE STATISTICS ledger.entries_2024q1_account_id_amount_stat (ndistinct, mcv) ON account_id, amount FROM ledger.entries_2024q1',
    );
    await analyzePartitions({ database: house.database });
    const { rows } = await sql`
      SELECT statistics_name AS name FROM pg_stats_ext WHERE tablename ~ 'entries' ORDER BY 1`.execute(
      house.database.direct,
    );
    expect(rows).toEqual([{ name: 'entries_2024q1_account_id_amount_stat' }, { name: 'later' }]);
    expect((await fix()).fixed).toEqual([]);
  });

  it('are made again where somebody has dropped them', async () => {
    const name = 'ledger.transactions_2024q1_status_currency_stat';
    await ddl(`DROP STATISTICS ${name}`);
    const [drift] = await structureDrift(house.database.direct);
    expect(drift).toMatchObject({ code: 'statistics_differ', relation: 'ledger.transactions_2024q1' });
    expect(drift?.detail).toContain('`quartermaster reconcile --fix`, which mends it');
    expect(await fix()).toMatchObject({ drift: [], fixed: [{ code: 'statistics_differ' }] });
    expect((await found()).statistics.join()).toContain(name);
  });

  it('are left to a person where the partition has others of the same columns', async () => {
    await ddl('CREATE STATISTICS ledger.later (mcv) ON account_id, amount FROM ledger.entries');
    await ddl('CREATE STATISTICS ledger.own (ndistinct) ON account_id, amount FROM ledger.entries_2024q1');
    const { drift } = await fix();
    expect(drift).toMatchObject([{ code: 'statistics_differ', relation: 'ledger.entries_2024q1' }]);
    expect(drift[0]?.detail).toContain('lacks extended ones of account_id, amount (mcv) and has');
    expect(drift[0]?.detail).not.toContain('which mends it');
  });
});

describe('statistics of status and currency together', () => {
  /**
   * A hundred and twenty thousand transactions in two quarters, nine in ten of one ledger, half of them one user's; what fails
   * are six in ten of the few in dollars, and nothing else. ANALYZE looks at every row, so that no plan is a matter of the sample.
   */
  beforeEach(async () => {
    for (const quarter of ['2024q1', '2024q2'])
      await ddl(`ALTER TABLE ledger.transactions_${quarter} ALTER COLUMN status SET STATISTICS 1000`);
    await sql`
      INSERT INTO ledger.transactions (ledger_id, created_at, id, user_id, status, currency, amount, account_ids)
      SELECT CASE WHEN n % 10 = 9 THEN 2 + n / 10 % 4 ELSE 1 END,
             date_trunc('milliseconds', timestamptz '2024-01-01 00:00:00+00' + n * interval '125 days' / 120001),
             (lpad(to_hex(n), 12, '0') || '7' || substr(md5(n::text), 1, 19))::uuid,
             CASE WHEN n % 2 = 0 THEN 'user-heavy' ELSE 'user-' || n % 5000 END,
             CASE WHEN n % 100 = 7 AND n / 100 % 10 < 6 THEN 'FAILED' ELSE 'SUCCESS' END,
             CASE WHEN n % 100 = 7 THEN 'USD' ELSE 'EUR' END, n, '{1,2}'
      FROM generate_series(1, 120000) AS n`.execute(house.database.direct);
  });

  /** Pages looked at for the newest fifty that failed in dollars. */
  async function pagesOfFailed(): Promise<number> {
    await analyzePartitions({ database: house.database });
    const text = await readFile(join(packageRoot(), 'sql', 'queries', 'transactions_failed.sql'), 'utf8');
    return house.database.direct.transaction().execute(async (trx) => {
      const ask = (statement: string) =>
        trx.executeQuery<Record<string, [{ Plan: Record<string, number> }]>>(CompiledQuery.raw(statement));
      await ask('SET LOCAL plan_cache_mode = force_custom_plan');
      await ask(`PREPARE failed AS ${text}`);
      const { rows } = await ask(
        `EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE failed
           (1, '-infinity', '2024-05-05', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 51, 'USD', NULL, NULL)`,
      );
      await ask('DEALLOCATE failed');
      const plan = Object.values(rows[0] ?? {})[0]?.[0].Plan ?? {};
      return (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0);
    });
  }

  it('let the list of what failed in a currency read what it shows', async () => {
    const known = await pagesOfFailed();
    for (const quarter of ['2024q1', '2024q2'])
      await ddl(`DROP STATISTICS ledger.transactions_${quarter}_status_currency_stat`);
    const guessed = await pagesOfFailed();
    expect(known).toBeLessThan(80);
    expect(guessed).toBeGreaterThan(4 * known);
  });
});
