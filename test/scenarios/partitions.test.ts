import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTown, type Town } from './support.ts';

let town: Town;
const NOW = '2024-05-05T12:00:00Z';
const reconcile = (now = NOW, options = '') => town.ok(`reconcile ${options}`, now);
const names = async () =>
  (
    await town.sql(`SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid
                   WHERE inhparent = 'ledger.transactions'::regclass ORDER BY 1`)
  ).map(({ relname }) => relname);

beforeEach(async () => {
  town = await openTown();
});

afterEach(async () => {
  await town?.drop();
});

describe('quarters that should be there', () => {
  it('are created ahead, once, however often that is asked for', async () => {
    expect(await reconcile()).toMatchObject({ created: ['2024q2', '2024q3'], quartersAhead: 1, drift: [] });
    expect(await reconcile()).toMatchObject({ created: [], failed: [], drift: [] });
    expect(await names()).toEqual(['transactions_2024q2', 'transactions_2024q3']);
  });

  it('are created by several at once, each once', async () => {
    const asked = await Promise.all([
      ...['2024q1', '2024q4', '2024q1', '2024q4', '2024q2'].map((q) => town.run(`quarters create ${q}`, NOW)),
      town.run('reconcile', NOW),
      town.run('reconcile', NOW),
    ]);
    for (const { code, report } of asked) {
      // A second reconcile is told that there is one at it.
      if (code !== 0) expect(report.error).toMatchObject({ code: 'already_running' });
    }
    await reconcile();
    expect(await town.standing()).toEqual(
      ['2024q1', '2024q2', '2024q3', '2024q4'].map((quarter) => `${quarter} open: attached attached`),
    );
  });

  it('are filled in where nobody worked for years, and where somebody dropped one', async () => {
    await reconcile();
    await town.sql('DROP TABLE ledger.transactions_2024q3, ledger.entries_2024q3');
    const report = await reconcile('2026-02-02T00:00:00Z');
    expect(report.created.toSorted()).toEqual([
      '2024q3',
      '2024q4',
      '2025q1',
      '2025q2',
      '2025q3',
      '2025q4',
      '2026q1',
      '2026q2',
    ]);
    expect(report.drift.map(({ code }: { code: string }) => code)).toEqual([
      'partition_lost',
      'partition_lost',
    ]);
    expect((await town.standing()).every((line) => line.endsWith('open: attached attached'))).toBe(true);
  });

  it('follow a raised number, and stay when it is lowered', async () => {
    await reconcile();
    await town.ok('reconcile', NOW, { QM_PREMAKE_QUARTERS: '6' });
    expect(await names()).toHaveLength(7);
    expect(await town.ok('reconcile', NOW, { QM_PREMAKE_QUARTERS: '1' })).toMatchObject({
      created: [],
      drift: [],
    });
    expect(await names()).toHaveLength(7);
  });

  it('are shown and not made by a dry run, and not made where that is switched off', async () => {
    expect(await reconcile(NOW, '--dry-run')).toMatchObject({ created: ['2024q2', '2024q3'] });
    const off = { QM_CREATE_QUARTERS: 'off' };
    expect(await town.ok('reconcile', NOW, off)).toMatchObject({
      created: [],
      drift: [{ code: 'quarters_missing' }],
    });
    expect(await town.ok('run reconcile-partitions', NOW, off)).toMatchObject({
      switchedOff: 'QM_CREATE_QUARTERS',
    });
    expect(await names()).toEqual([]);
  });
});

describe('odd names', () => {
  it('are left alone: copies, other schemas, upper case, a view, a sequence, a type', async () => {
    await reconcile('2024-02-02T00:00:00Z');
    await town.sql(`
      CREATE TABLE ledger.transactions_2024q1_backup AS SELECT * FROM ledger.transactions_2024q1;
      CREATE TABLE ledger."Transactions_2024q2" (a int);
      CREATE TABLE ledger."transactions_2024Q3" (a int);
      CREATE SCHEMA "Ledger";
      CREATE TABLE "Ledger".transactions (LIKE ledger.transactions) PARTITION BY RANGE (created_at);
      CREATE TABLE "Ledger".transactions_2024q3 PARTITION OF "Ledger".transactions
        FOR VALUES FROM ('2024-07-01 00:00:00+00') TO ('2024-10-01 00:00:00+00');
      CREATE TABLE public.entries_2024q3 (a int);
      CREATE TABLE ledger.entries_2024 (a int);
      CREATE TABLE ledger.entries_2024q5 (a int);
      CREATE TABLE ledger.entriesx2024q3 (a int);
      CREATE TABLE ledger.transactions_2024q3_ (a int);`);
    expect(await reconcile('2024-05-05T00:00:00Z', '--fix')).toMatchObject({
      created: ['2024q3'],
      drift: [],
      failed: [],
      fixed: [],
    });
    expect(await names()).toEqual(['transactions_2024q1', 'transactions_2024q2', 'transactions_2024q3']);
    expect(await town.sql('SELECT FROM ledger.transactions_2024q1_backup')).toEqual([]);
  });

  it.each([
    ['a view', 'CREATE VIEW ledger.entries_2024q2 AS SELECT 1 AS a'],
    ['a sequence', 'CREATE SEQUENCE ledger.entries_2024q2'],
    ['a table of somebody', 'CREATE TABLE ledger.entries_2024q2 (a int)'],
    [
      'a partition of another table',
      `
      CREATE TABLE ledger.other (a int) PARTITION BY LIST (a);
      CREATE TABLE ledger.entries_2024q2 PARTITION OF ledger.other FOR VALUES IN (1)`,
    ],
    ['a type', 'CREATE TYPE ledger.entries_2024q2 AS ENUM ()'],
  ])('keep one quarter from being made, and no other: %s', async (_, statement) => {
    await town.sql(statement);
    const report = await reconcile();
    expect(report.created).toEqual(['2024q3']);
    expect(JSON.stringify([report.drift, report.failed])).toContain('entries_2024q2');
    expect(await town.standing()).toContain('2024q3 open: attached attached');
    const doctor = await town.run('doctor', NOW);
    expect(doctor.code).not.toBe(0);
  });

  it('in the way as partitions made elsewhere are told, and the others are made', async () => {
    await town.sql(`
      CREATE TABLE public."Q2 & more" PARTITION OF ledger.entries
        FOR VALUES FROM ('2024-06-01 00:00:00+00') TO ('2024-08-01 00:00:00+00')`);
    const report = await town.ok('reconcile --fix', NOW, { QM_PREMAKE_QUARTERS: '2' });
    expect(report.created).toEqual(['2024q4']);
    const told = report.drift.filter(({ relation }: { relation: string }) => relation === 'public.Q2 & more');
    expect(told.map(({ code }: { code: string }) => code)).toEqual(
      expect.arrayContaining(['foreign_partition', 'range_occupied']),
    );
    expect(report.fixed).toEqual([]);
  });

  it('with a DEFAULT partition beside them quarters are made and detached all the same', async () => {
    await town.sql('CREATE TABLE ledger.rest PARTITION OF ledger.transactions DEFAULT');
    await town.ok('quarters create 2024q1', NOW);
    await town.pay(['2024-02-02T00:00:00Z'], NOW);
    for (const verb of ['close', 'archive', 'verify', 'detach'])
      await town.ok(`quarters ${verb} 2024q1`, NOW);
    expect(await town.standing()).toContain('2024q1 detached: standalone standalone');
  });
});

describe('what a partition has otherwise than its table', () => {
  it('is told by the doctor, shown by its dry run, and mended by it', async () => {
    await reconcile();
    await town.sql(`GRANT DELETE ON ledger.entries_2024q2 TO PUBLIC;
      ALTER TABLE ledger.transactions_2024q3 ALTER COLUMN user_id SET STATISTICS 700;
      CREATE INDEX transactions_currency_idx ON ONLY ledger.transactions (ledger_id, currency)`);
    const findings = async (options: string) =>
      (await town.run(`doctor ${options}`, NOW)).report as {
        check: string;
        outcome: string;
        found?: string;
      }[];
    const quarters = 'the quarters are as they should be';
    const told = (await findings('')).find(({ check }) => check === quarters);
    expect(told).toMatchObject({ outcome: 'failed' });
    for (const what of ['DELETE for PUBLIC', 'user_id at 700', 'lacks transactions_currency_idx'])
      expect(told?.found).toContain(what);
    const dry = await findings('--fix --dry-run');
    expect(dry.filter(({ found }) => found?.includes('would be mended'))).toHaveLength(4);
    expect(dry.find(({ check }) => check === quarters)).toEqual(told);
    const mended = await findings('--fix');
    expect(mended.filter(({ outcome }) => outcome === 'fixed')).toHaveLength(4);
    expect(mended.find(({ check }) => check === quarters)).toMatchObject({ outcome: 'ok' });
    expect(
      await town.sql(`SELECT count(*)::int AS n FROM pg_index JOIN pg_class ON oid = indexrelid
                      WHERE relname = 'transactions_currency_idx' AND indisvalid`),
    ).toEqual([{ n: 1 }]);
    expect((await findings('--fix')).filter(({ outcome }) => outcome === 'fixed')).toEqual([]);
  });
});

describe('one broken table', () => {
  beforeEach(async () => {
    await town.ok('reconcile', NOW);
  });

  it.each([
    ['renamed', 'ALTER TABLE ledger.entries_2024q3 RENAME TO somewhere'],
    ['owned by another role', 'ALTER TABLE ledger.entries_2024q3 OWNER TO postgres'],
    [
      'detached by hand, with a row in it,',
      `INSERT INTO ledger.entries VALUES (1, 1, '2024-07-07 00:00:00+00', 1, gen_random_uuid(), 1, 1);
       ALTER TABLE ledger.entries DETACH PARTITION ledger.entries_2024q3`,
    ],
  ])('%s does not keep the others from being made and mended', async (_, statement) => {
    await town.sql(`${statement}; ALTER TABLE ledger.entries_2024q2 ALTER COLUMN amount SET DEFAULT 7`);
    const report = await reconcile('2024-08-08T00:00:00Z', '--fix');
    expect(report.created).toContain('2024q4');
    expect(report.fixed).toMatchObject([{ relation: 'ledger.entries_2024q2', code: 'defaults_differ' }]);
    expect(JSON.stringify([report.drift, report.failed])).toMatch(/entries_2024q3|ledger\.somewhere/);
    expect(await town.standing()).toContain('2024q4 open: attached attached');
  });
});
