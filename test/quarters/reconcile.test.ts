import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { inspectQuarters, reconcile } from '../../src/quarters/reconcile.ts';
import { readQuarter } from '../../src/quarters/registry.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import {
  eventsOf,
  type HouseOptions,
  houseOver,
  openHouse,
  pretendArchived,
  run,
  standing,
} from './support.ts';

let home: TestDatabase;
let house: QuarterHouse;

beforeEach(async () => {
  home = await createDatabase();
  house = openHouse(home.url, { premake: 1 });
});

afterEach(async () => {
  await house?.database.close();
  await home?.drop();
});

const ddl = (text: string) => sql.raw(text).execute(house.database.direct);
const later = (options: HouseOptions) => houseOver(house.database, options);
const stand = () => standing(house.database.direct);

describe('reconcile', () => {
  it('creates the current quarter and those ahead, and then finds nothing to do', async () => {
    expect(await reconcile(house, run)).toEqual({
      horizon: new Date('2026-10-01T00:00:00Z'),
      quartersAhead: 1,
      created: ['2026q2', '2026q3'],
      finalized: [],
      repaired: [],
      fixed: [],
      drift: [],
      failed: [],
    });
    expect(await reconcile(house, run)).toMatchObject({ created: [], drift: [], failed: [] });
    expect(await inspectQuarters(house)).toEqual({ problems: [], horizon: new Date('2026-10-01T00:00:00Z') });
  });

  it('follows the calendar and a raised number of quarters, and fills gaps', async () => {
    await reconcile(house, run);
    const report = await reconcile(later({ premake: 4, now: '2027-02-02T00:00:00Z' }), run);
    expect(report.created).toEqual(['2027q1', '2027q2', '2027q3', '2027q4', '2028q1', '2026q4']);
    expect(report.quartersAhead).toBe(4);
  });

  it('needs no search_path', async () => {
    const url = new URL(home.url);
    url.searchParams.set('options', '-c search_path=');
    const bare = openHouse(url.href, { premake: 1 });
    try {
      expect(await reconcile(bare, run)).toMatchObject({ created: ['2026q2', '2026q3'], failed: [] });
    } finally {
      await bare.database.close();
    }
  });

  it('tries no more than 400 quarters in one run, the needed ones first', async () => {
    const { start, end } = house.calendar.quarter('1923q1');
    await house.database.write
      .insertInto('quartermaster.quarters')
      .values({ quarter: '1923q1', starts_at: start, ends_at: end, state: 'dropped' })
      .execute();
    const old = later({ oldest: '1900-01-01T00:00:00Z', premake: 1 });
    // All but the first two fail, for this test has no time for a century of quarters.
    let opened = 0;
    const step = (name: string) => {
      if (name === 'create.locked' && ++opened > 2) throw new Error('enough');
    };
    const report = await reconcile(old, { ...run, step });
    expect(report.created).toEqual(['2026q2', '2026q3']);
    expect(report.failed).toHaveLength(398);
    expect(report.drift).toMatchObject([
      {
        code: 'quarters_missing',
        detail: expect.stringContaining('412 quarters are still missing, 1923q2 to 2026q1'),
      },
    ]);
  });

  it('makes again what an open quarter has lost, and says so', async () => {
    await reconcile(house, run);
    await ddl('DROP TABLE ledger.entries_2026q3');
    const report = await reconcile(house, run);
    expect(report).toMatchObject({
      created: ['2026q3'],
      drift: [{ code: 'partition_lost', quarter: '2026q3', relation: 'entries' }],
    });
    expect(await eventsOf(house.database.direct, '2026q3')).toEqual(['create', 'complete']);
  });

  it('replaces an empty leftover of a create, and leaves a table with rows alone', async () => {
    await ddl(`
      CREATE TABLE ledger.entries_2026q2 (LIKE ledger.entries, CONSTRAINT quarter_bounds CHECK (true));
      CREATE TABLE ledger.entries_2026q3 (LIKE ledger.entries, CONSTRAINT quarter_bounds CHECK (true));
      INSERT INTO ledger.entries_2026q3 VALUES (1, 1, now(), 1, gen_random_uuid(), 1, 1);`);
    const report = await reconcile(house, run);
    expect(report).toMatchObject({
      created: ['2026q2'],
      drift: [{ code: 'stands_alone', relation: 'ledger.entries_2026q3' }],
      horizon: new Date('2026-07-01T00:00:00Z'),
    });
    expect(await stand()).toEqual([
      '2026q2 open: attached, attached',
      '2026q3 planned: attached, standalone',
    ]);
  });

  it('registers partitions that have no state row, as after a restore of the data alone', async () => {
    await reconcile(house, run);
    await house.database.write.deleteFrom('quartermaster.quarters').execute();
    expect(await reconcile(house, run)).toMatchObject({ created: ['2026q2', '2026q3'], drift: [] });
    expect(await stand()).toEqual(['2026q2 open: attached, attached', '2026q3 open: attached, attached']);
  });

  it('brings the state row forward when a detach was killed before it', async () => {
    await reconcile(house, run);
    await pretendArchived(house.database.write, '2026q2');
    await ddl(`
      ALTER TABLE ledger.entries DETACH PARTITION ledger.entries_2026q2;
      ALTER TABLE ledger.transactions DETACH PARTITION ledger.transactions_2026q2;`);
    expect(await reconcile(house, run)).toMatchObject({ repaired: ['2026q2'], created: [] });
    expect((await stand())[0]).toBe('2026q2 detached: standalone, standalone');
    expect(await reconcile(house, run)).toMatchObject({ repaired: [], created: [] });
  });

  it('brings the state row of a restored quarter back when a release was killed before it', async () => {
    await reconcile(house, run);
    const set = (state: 'restored' | 'dropped') =>
      house.database.write
        .updateTable('quartermaster.quarters')
        .set({ state, restored_until: new Date('2027-01-01T00:00:00Z') })
        .where('quarter', '=', '2026q2')
        .execute();
    await ddl(`
      ALTER TABLE ledger.entries_2026q2 ADD CONSTRAINT quarter_closed CHECK (false) NOT VALID;
      ALTER TABLE ledger.transactions_2026q2 ADD CONSTRAINT quarter_closed CHECK (false) NOT VALID`);
    await set('restored');
    expect(await reconcile(house, run)).toMatchObject({ repaired: [], drift: [], created: [] });
    await ddl('ALTER TABLE ledger.entries DETACH PARTITION ledger.entries_2026q2');
    expect((await reconcile(house, run)).drift).toMatchObject([{ code: 'release_unfinished' }]);
    await ddl('ALTER TABLE ledger.transactions DETACH PARTITION ledger.transactions_2026q2');
    expect(await reconcile(house, run)).toMatchObject({ repaired: ['2026q2'], drift: [] });
    expect((await stand())[0]).toBe('2026q2 detached: standalone fenced, standalone fenced');
    expect((await eventsOf(house.database.direct, '2026q2')).at(-1)).toBe('release');
    const { restored_until } = await readQuarter(house.database.direct, '2026q2');
    expect(restored_until).toBeNull();
    // After the drop such a table is a restore's, or somebody's: it is said, and left alone.
    await set('dropped');
    await ddl('ALTER TABLE ledger.transactions_2026q2 DROP CONSTRAINT quarter_bounds');
    expect((await reconcile(house, run, { fix: true })).drift).toMatchObject([
      { code: 'stands_after_drop', relation: 'ledger.transactions_2026q2' },
      { code: 'restore_unfinished', relation: 'ledger.entries_2026q2' },
    ]);
    expect((await stand())[0]).toBe('2026q2 dropped: standalone fenced, standalone fenced');
  });

  it('reports a DEFAULT partition and goes on while it is empty', async () => {
    await ddl('CREATE TABLE ledger.entries_rest PARTITION OF ledger.entries DEFAULT');
    const report = await reconcile(house, run);
    expect(report.created).toEqual(['2026q2', '2026q3']);
    expect(report.drift.filter(({ code }) => code === 'default_partition')).toMatchObject([
      { relation: 'ledger.entries_rest' },
    ]);
    await ddl(`
      INSERT INTO ledger.entries VALUES (1, 1, '2099-01-01 00:00:00+00', 1, gen_random_uuid(), 1, 1)`);
    const next = await reconcile(later({ premake: 2 }), run);
    expect(next.drift).toContainEqual(expect.objectContaining({ code: 'range_occupied', quarter: '2026q4' }));
    expect((await stand())[2]).toBe('2026q4 planned: attached, missing');
  });

  it('reports a partition made elsewhere and creates what it can beside it', async () => {
    await ddl(`
      CREATE TABLE ledger.entries_p1 PARTITION OF ledger.entries
      FOR VALUES FROM ('2026-08-01 00:00:00+00') TO ('2027-01-01 00:00:00+00')`);
    const report = await reconcile(later({ premake: 3 }), run);
    expect(report.drift.filter(({ code }) => code !== 'grants_differ')).toMatchObject([
      { code: 'foreign_partition', relation: 'ledger.entries_p1' },
      { code: 'range_occupied', relation: 'ledger.entries_p1', quarter: '2026q3' },
      { code: 'range_occupied', relation: 'ledger.entries_p1', quarter: '2026q4' },
    ]);
    expect(report.created).toEqual(['2026q2', '2027q1']);
    expect(report.horizon).toEqual(new Date('2026-07-01T00:00:00Z'));
    expect(await stand()).toEqual([
      '2026q2 open: attached, attached',
      '2026q3 planned: attached, missing',
      '2026q4 planned: attached, missing',
      '2027q1 open: attached, attached',
    ]);
  });

  it('opens no quarter of which one partition takes other instants', async () => {
    await ddl(`
      CREATE TABLE ledger.entries_2026q2 PARTITION OF ledger.entries
      FOR VALUES FROM ('2026-04-01 00:00:00+00') TO ('2026-06-30 00:00:00+00')`);
    const report = await reconcile(house, run);
    expect(report.created).toEqual(['2026q3']);
    expect(report.drift[0]).toMatchObject({ code: 'bounds_differ', relation: 'ledger.entries_2026q2' });
    expect((await stand())[0]).toBe('2026q2 planned: attached, attached');
    expect((await reconcile(house, run)).created).toEqual([]);
  });

  it('does the others when one fails, and says which and why', async () => {
    // A table brings a type of its name along, and this one is taken.
    await ddl('CREATE TYPE ledger.entries_2026q2 AS ENUM ()');
    const report = await reconcile(house, run);
    expect(report).toMatchObject({
      created: ['2026q3'],
      failed: [{ what: '2026q2', detail: expect.stringContaining('entries_2026q2') }],
      drift: [{ code: 'quarters_missing', detail: expect.stringContaining('2026q2') }],
      horizon: house.clock.now(),
    });
  });

  it.each<[string, string, string]>([
    [
      'columns_differ',
      'ALTER TABLE ledger.transactions_2026q2 ALTER COLUMN metadata SET NOT NULL',
      'lacks metadata jsonb',
    ],
    [
      'checks_differ',
      'ALTER TABLE ledger.entries_2026q2 ADD CHECK (version < 9)',
      'has CHECK ((version < 9))',
    ],
    ['grants_differ', 'GRANT DELETE ON ledger.entries_2026q2 TO PUBLIC', 'has DELETE for PUBLIC'],
    [
      'storage_differ',
      'ALTER TABLE ledger.entries_2026q2 SET (autovacuum_enabled = off)',
      'has autovacuum_enabled=off',
    ],
    ['storage_differ', 'ALTER TABLE ledger.entries_2026q2 SET UNLOGGED', 'has UNLOGGED'],
  ])('reports %s after %s', async (code, statement, what) => {
    await reconcile(house, run);
    await ddl(statement);
    const { drift } = await reconcile(house, run);
    expect(drift).toMatchObject([{ code }]);
    expect(drift[0]?.detail).toContain(what);
    expect((await inspectQuarters(house)).problems).toEqual([drift[0]?.detail]);
  });

  it('reports an index that is missing or invalid on a partition', async () => {
    await reconcile(house, run);
    await ddl(`
      CREATE INDEX entries_transaction_idx ON ONLY ledger.entries (ledger_id, transaction_id);
      CREATE INDEX entries_2026q2_transaction_idx ON ledger.entries_2026q2 (ledger_id, transaction_id);
      ALTER INDEX ledger.entries_transaction_idx ATTACH PARTITION ledger.entries_2026q2_transaction_idx;`);
    expect((await reconcile(house, run)).drift).toMatchObject([
      {
        code: 'indexes_differ',
        relation: 'ledger.entries_2026q3',
        detail: expect.stringContaining('entries_transaction_idx'),
      },
    ]);
  });

  it('is done by one process at a time', async () => {
    let second: unknown;
    const step = async () => {
      second ??= await reconcile(house, run).catch((error: unknown) => error);
    };
    await reconcile(house, { ...run, step });
    expect(second).toMatchObject({ kind: 'busy', code: 'already_running' });
  });
});
