import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { detachQuarter } from '../../src/quarters/detach.ts';
import { structureDrift } from '../../src/quarters/drift.ts';
import { holdQuarter } from '../../src/quarters/hold.ts';
import { reconcile } from '../../src/quarters/reconcile.ts';
import { readQuarter } from '../../src/quarters/registry.ts';
import { releaseQuarter } from '../../src/quarters/release.ts';
import { previewRestore, restoreQuarter } from '../../src/quarters/restore.ts';
import { unholdQuarter } from '../../src/quarters/unhold.ts';
import { run } from './archive-fixture.ts';
import { type ArchivedHome, differences, openArchivedHome, takeTo } from './restore-fixture.ts';
import { eventsOf, standing } from './support.ts';

let home: ArchivedHome;
let house: QuarterHouse;
const quarters = ['2024q1', '2024q2', '2024q3'];
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
const restored = 'restored: attached fenced, attached fenced';

beforeAll(async () => {
  home = await openArchivedHome(quarters);
  house = home.house;
});

afterAll(() => home?.close());

describe('a restore of a dropped quarter', () => {
  beforeAll(() => takeTo(house, '2024q1', 'dropped'));

  it('says what it would do and changes nothing', async () => {
    expect(await stand('2024q1')).toBe('dropped: missing, missing');
    const outlook = await previewRestore(house, run, '2024q1');
    expect(outlook).toMatchObject({ done: false, obstacles: [] });
    expect(outlook.steps.join('\n')).toMatch(
      /make transactions_2024q1 .*make entries_2024q1 .*attach entries_2024q1.*until 2026-05-19/s,
    );
    expect(await stand('2024q1')).toBe('dropped: missing, missing');
  });

  it('is nothing for a quarter that was never archived', async () => {
    expect((await previewRestore(house, run, '2026q1')).obstacles).toMatchObject([{ code: 'quarter_state' }]);
  });

  it('asks why, and until when that makes sense', async () => {
    const refused = (more: object) => restoreQuarter(house, { ...run, ...more }, '2024q1');
    await expect(refused({ reason: ' ' })).rejects.toMatchObject({ kind: 'invalid', code: 'reason_missing' });
    for (const until of ['2026-05-05T12:00:00.123Z', '2036-06-01T00:00:00Z'])
      await expect(refused({ until: new Date(until) })).rejects.toMatchObject({ code: 'invalid_until' });
  });

  it('brings back every row, bit for bit, with indexes and statistics as the others have', async () => {
    const report = await restoreQuarter(house, run, '2024q1');
    const row = await readQuarter(db(), '2024q1');
    expect(report).toEqual({
      quarter: '2024q1',
      restored: true,
      extended: false,
      into: undefined,
      until: new Date('2026-05-19T12:00:00.123Z'),
      loaded: ['transactions', 'entries'],
      digest: row.digest,
    });
    expect(row).toMatchObject({ restored_at: house.clock.now(), restored_until: report.until });
    expect(await stand('2024q1')).toBe(restored);
    expect(await same('2024q1')).toBe(true);
    const events = await db()
      .selectFrom('quartermaster.quarter_events')
      .select(['actor', 'reason', 'detail'])
      .where('quarter', '=', '2024q1')
      .where('event', '=', 'restore')
      .execute();
    expect(events).toMatchObject([
      { actor: 'ada', reason: 'year-end', detail: { until: '2026-05-19T12:00:00.123Z' } },
    ]);

    expect(await structureDrift(db())).toEqual([]);
    const indexes = (table: string) =>
      sql<{ definition: string }>`
      SELECT regexp_replace(indexdef, '^.* USING ', '') AS definition FROM pg_indexes
      WHERE schemaname = 'ledger' AND tablename = ${table} ORDER BY 1`.execute(db());
    for (const table of ['transactions', 'entries'])
      expect((await indexes(`${table}_2024q1`)).rows).toEqual((await indexes(`${table}_2024q3`)).rows);
    const { rows } = await sql<{ name: string; analyzed: boolean; visible: boolean }>`
      SELECT relname AS name, EXISTS (SELECT FROM pg_stats WHERE tablename = relname) AS analyzed,
             relpages > 0 AND relallvisible = relpages AS visible
      FROM pg_class WHERE relname IN ('transactions_2024q1', 'entries_2024q1') ORDER BY 1`.execute(db());
    expect(rows).toEqual([
      { name: 'entries_2024q1', analyzed: true, visible: true },
      { name: 'transactions_2024q1', analyzed: true, visible: true },
    ]);
    expect((await reconcile(house, run)).drift).toEqual([]);
  });

  it('takes no row, whichever way one comes', async () => {
    const at = '2024-02-02T00:00:00Z';
    for (const table of ['ledger.entries', 'ledger.entries_2024q1']) {
      await expect(
        sql
          .raw(`INSERT INTO ${table} (ledger_id, account_id, created_at, version, transaction_id, amount, balance_after)
                VALUES (1, 1, '${at}', 1, gen_random_uuid(), 1, 1)`)
          .execute(db()),
      ).rejects.toMatchObject({ code: '23514', constraint: 'quarter_closed' });
      await expect(
        sql.raw(`UPDATE ${table} SET amount = 5 WHERE ledger_id = 1`).execute(db()),
      ).rejects.toThrow();
      await expect(sql.raw(`DELETE FROM ${table} WHERE ledger_id = 1`).execute(db())).rejects.toThrow();
    }
  });

  it('changes nothing the second time, but for a later time', async () => {
    const nothing = { restored: false, extended: false, loaded: [] };
    expect(await restoreQuarter(house, run, '2024q1')).toMatchObject(nothing);
    const sooner = { ...run, until: new Date('2026-05-06T00:00:00Z') };
    expect(await restoreQuarter(house, sooner, '2024q1')).toMatchObject(nothing);
    expect(await previewRestore(house, sooner, '2024q1')).toMatchObject({ done: true });
    const until = new Date('2026-08-01T00:00:00Z');
    const later = { ...run, until };
    expect((await previewRestore(house, later, '2024q1')).steps).toHaveLength(1);
    expect(await restoreQuarter(house, later, '2024q1')).toMatchObject({ ...nothing, extended: true, until });
    expect(await readQuarter(db(), '2024q1')).toMatchObject({ restored_until: until });
    expect((await eventsOf(db(), '2024q1')).slice(-2)).toEqual(['restore', 'restore_extended']);
  });

  it('is not detached but released, and not while it is held', async () => {
    await expect(detachQuarter(house, run, '2024q1')).rejects.toMatchObject({
      code: 'quarter_state',
      detail: expect.stringContaining('quarters release 2024q1'),
    });
    await holdQuarter(house, run, '2024q1');
    await expect(releaseQuarter(house, run, '2024q1')).rejects.toMatchObject({ code: 'quarter_held' });
    await unholdQuarter(house, run, '2024q1');
    expect(await stand('2024q1')).toBe(restored);
    expect(await releaseQuarter(house, run, '2024q1')).toEqual({
      quarter: '2024q1',
      into: undefined,
      released: ['transactions', 'entries'],
    });
    expect(await stand('2024q1')).toBe('detached: standalone fenced, standalone fenced');
    expect(await readQuarter(db(), '2024q1')).toMatchObject({
      detached_at: house.clock.now(),
      restored_at: house.clock.now(),
      restored_until: null,
    });
    expect(await releaseQuarter(house, run, '2024q1')).toMatchObject({ released: [] });
    expect((await reconcile(house, run)).drift).toEqual([]);
  });
});

describe('a restore of a detached quarter', () => {
  beforeAll(() => takeTo(house, '2024q2', 'detached'));

  it('counts the tables that stand there and attaches them', async () => {
    const steps: string[] = [];
    const report = await restoreQuarter(house, { ...run, step: (name) => void steps.push(name) }, '2024q2');
    expect(report).toMatchObject({ restored: true, loaded: [] });
    expect(steps).toEqual([
      'restore.checked',
      'restore.begun',
      'restore.proved.transactions',
      'restore.proved.entries',
      'restore.attached',
      'restore.committed',
    ]);
    expect(await stand('2024q2')).toBe(restored);
    expect(await same('2024q2')).toBe(true);
    await releaseQuarter(house, run, '2024q2');
  });

  it('makes the one again that somebody dropped, and an index that somebody added to the table', async () => {
    await ddl('DROP TABLE ledger.transactions_2024q2');
    await ddl('CREATE INDEX entries_later_idx ON ledger.entries (transaction_id)');
    try {
      expect(await restoreQuarter(house, run, '2024q2')).toMatchObject({ loaded: ['transactions'] });
      expect(await stand('2024q2')).toBe(restored);
      expect(await same('2024q2')).toBe(true);
      const { rows } = await sql`SELECT FROM pg_indexes WHERE tablename = 'entries_2024q2'`.execute(db());
      expect(rows).toHaveLength(3);
      expect(await structureDrift(db())).toEqual([]);
    } finally {
      await ddl('DROP INDEX ledger.entries_later_idx');
      await releaseQuarter(house, run, '2024q2');
    }
  });

  it('attaches nothing that somebody changed', async () => {
    // The owner may take the constraint away, change a row and put it back: PostgreSQL alone would not notice.
    const { adminUrl } = home.database;
    const admin = openDatabase({ databaseUrl: adminUrl });
    const change = (amount: string) =>
      sql
        .raw(`BEGIN; ALTER TABLE ledger.entries_2024q2 DROP CONSTRAINT quarter_closed;
              UPDATE ledger.entries_2024q2 SET balance_after = balance_after ${amount} 
                WHERE (ledger_id, account_id, created_at, version) = (
                  SELECT ledger_id, account_id, created_at, version FROM ledger.entries_2024q2 ORDER BY 1, 2, 3, 4 LIMIT 1);
              ALTER TABLE ledger.entries_2024q2 ADD CONSTRAINT quarter_closed CHECK (false) NOT VALID; COMMIT`)
        .execute(admin.direct);
    try {
      await change('+ 1');
      await expect(restoreQuarter(house, run, '2024q2')).rejects.toMatchObject({
        kind: 'corrupt',
        code: 'digest_differs',
        detail: expect.stringContaining('ledger.entries_2024q2 holds other rows'),
      });
      expect(await stand('2024q2')).toBe('detached: standalone fenced, standalone fenced');
    } finally {
      await change('- 1');
      await admin.close();
    }
    expect(await restoreQuarter(house, run, '2024q2')).toMatchObject({ restored: true });
  });
});
