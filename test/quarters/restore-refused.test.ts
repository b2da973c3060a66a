import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readQuarterPartitions } from '../../src/db/catalog.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { previewDetach } from '../../src/quarters/detach.ts';
import { releaseQuarter } from '../../src/quarters/release.ts';
import { restoreQuarter } from '../../src/quarters/restore.ts';
import { verifyQuarter } from '../../src/quarters/verify.ts';
import { run } from './archive-fixture.ts';
import { type ArchivedHome, differences, flipBit, openArchivedHome, takeTo } from './restore-fixture.ts';
import { standing } from './support.ts';

let home: ArchivedHome;
let house: QuarterHouse;
const quarters = ['2024q2', '2024q3', '2024q4', '2025q1', '2025q2'];
const db = () => house.database.direct;
const ddl = (text: string) => sql.raw(text).execute(db());
const stand = async (quarter: string) =>
  (await standing(db())).find((line) => line.startsWith(quarter))?.slice(quarter.length + 1);
const same = async (quarter: string) => {
  const found = await differences(db(), quarter, (table) => `ledger.${table}_${quarter}`);
  return Object.values(found).every(
    ({ before, lost, gained }) => before > 0n && lost === 0n && gained === 0n,
  );
};

beforeAll(async () => {
  home = await openArchivedHome(quarters);
  house = home.house;
});

afterAll(() => home?.close());

describe('a restore from a damaged archive', () => {
  beforeAll(async () => {
    await takeTo(house, '2024q3', 'dropped');
    await takeTo(house, '2024q4', 'detached');
  });

  it.each([
    ['2024q3', 'transactions', 'dropped: missing, missing'],
    ['2024q3', 'currencies', 'dropped: missing, missing'],
    ['2024q4', 'entries', 'detached: standalone fenced, standalone fenced'],
  ])('of %s attaches nothing when a bit of %s is another one', async (quarter, table, left) => {
    const path = `ledger/${quarter}/${table}/part-0000.parquet`;
    const mend = await flipBit(home.directory, path);
    try {
      await expect(restoreQuarter(house, run, quarter)).rejects.toMatchObject({
        kind: 'corrupt',
        code: 'archive_damaged',
        detail: expect.stringContaining(`${table}/part-0000.parquet has another SHA-256`),
      });
    } finally {
      await mend();
    }
    expect(await stand(quarter)).toBe(left);
    // The damage is remembered until somebody has looked.
    await expect(restoreQuarter(house, run, quarter)).rejects.toMatchObject({
      code: 'archive_damaged',
      detail: expect.stringContaining(`quarters verify ${quarter}`),
    });
    await verifyQuarter(house, run, quarter);
  });

  it('attaches nothing when the store lies only when the rows are read', async () => {
    const path = 'ledger/2024q3/entries/part-0000.parquet';
    let mend: (() => Promise<void>) | undefined;
    const step = async (name: string) => {
      if (name === 'restore.begun') mend = await flipBit(home.directory, path);
    };
    await expect(restoreQuarter(house, { ...run, step }, '2024q3')).rejects.toMatchObject({
      kind: 'corrupt',
      code: 'archive_damaged',
    });
    await mend?.();
    // What had been loaded is gone again.
    expect(await stand('2024q3')).toBe('dropped: missing, missing');
    await verifyQuarter(house, run, '2024q3');
    expect(await restoreQuarter(house, run, '2024q3')).toMatchObject({ restored: true });
    expect(await same('2024q3')).toBe(true);
  });

  it('stops when it is asked to, and leaves nothing', async () => {
    await releaseQuarter(house, run, '2024q3');
    await ddl('DROP TABLE ledger.transactions_2024q3, ledger.entries_2024q3');
    const stop = new AbortController();
    const step = (name: string) => void (name === 'restore.proved.transactions' && stop.abort());
    await expect(
      restoreQuarter(house, { ...run, step, signal: stop.signal }, '2024q3'),
    ).rejects.toMatchObject({
      kind: 'aborted',
    });
    expect(await stand('2024q3')).toBe('detached: missing, missing');
    expect(await restoreQuarter(house, run, '2024q3')).toMatchObject({ loaded: ['transactions', 'entries'] });
  });
});

describe('what a restore finds in its way', () => {
  const quarter = '2025q1';
  const refused = () => restoreQuarter(house, run, quarter).catch((error: unknown) => error);

  it('is an archived quarter, which is in already', async () => {
    expect(await refused()).toMatchObject({ kind: 'conflict', code: 'quarter_state' });
  });

  it('is a table of the name that is not ours, another partition, and a DEFAULT partition with rows', async () => {
    await takeTo(house, quarter, 'dropped');
    await ddl('CREATE TABLE ledger.entries_2025q1 (note text)');
    expect(await refused()).toMatchObject({ code: 'relation_in_the_way' });
    await ddl('DROP TABLE ledger.entries_2025q1');
    await ddl(`CREATE TABLE ledger.entries_january PARTITION OF ledger.entries
               FOR VALUES FROM ('2025-01-01 00:00+00') TO ('2025-02-01 00:00+00')`);
    expect(await refused()).toMatchObject({ code: 'range_occupied' });
    await ddl('DROP TABLE ledger.entries_january');
    expect(await stand(quarter)).toBe('dropped: missing, missing');
  });

  it('is a column that the tables have no more, and none that came later with a default', async () => {
    await ddl("ALTER TABLE ledger.transactions ADD COLUMN origin text NOT NULL DEFAULT 'api'");
    await ddl('ALTER TABLE ledger.entries RENAME COLUMN balance_after TO balance');
    expect(await refused()).toMatchObject({
      code: 'archive_columns',
      detail: expect.stringContaining('balance_after'),
    });
    await ddl('ALTER TABLE ledger.entries RENAME COLUMN balance TO balance_after');
    expect(await restoreQuarter(house, run, quarter)).toMatchObject({ restored: true });
    expect(await same(quarter)).toBe(true);
    const { rows } = await sql`SELECT DISTINCT origin FROM ledger.transactions_2025q1`.execute(db());
    expect(rows).toEqual([{ origin: 'api' }]);
    await ddl('ALTER TABLE ledger.transactions DROP COLUMN origin');
  });
});

it('a restored quarter takes no rows, whatever bore the name of the fence while it was out', async () => {
  await takeTo(house, '2025q2', 'detached');
  await ddl(`ALTER TABLE ledger.entries_2025q2 DROP CONSTRAINT quarter_closed,
             ADD CONSTRAINT quarter_closed CHECK (true)`);
  await restoreQuarter(house, run, '2025q2');
  const partitions = await readQuarterPartitions(db(), '2025q2');
  expect(partitions.map(({ attachment, fenced }) => [attachment, fenced])).toEqual([
    ['attached', true],
    ['attached', true],
  ]);
});

describe('an archived quarter', () => {
  it('is not detached while a table is gone, or takes rows', async () => {
    await ddl('ALTER TABLE ledger.transactions_2024q2 DROP CONSTRAINT quarter_closed');
    expect(await previewDetach(house, run, '2024q2')).toMatchObject({
      obstacles: [{ code: 'fence_missing' }],
      steps: [/transactions_2024q2/, /entries_2024q2/, /is detached then/].map((said) =>
        expect.stringMatching(said),
      ),
    });
    await ddl('ALTER TABLE ledger.transactions_2024q2 ADD CONSTRAINT quarter_closed CHECK (false) NOT VALID');
    expect((await previewDetach(house, run, '2024q2')).obstacles).toEqual([]);
  });

  it('gets a table back that somebody dropped, and stays archived', async () => {
    await ddl('DROP TABLE ledger.entries_2024q2');
    expect(await restoreQuarter(house, run, '2024q2')).toMatchObject({ loaded: ['entries'] });
    expect(await stand('2024q2')).toBe('archived: attached fenced, attached fenced');
    expect(await same('2024q2')).toBe(true);
  });
});
