import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { closeQuarter } from '../../src/quarters/close.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { previewReconcile, reconcile } from '../../src/quarters/reconcile.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { eventsOf, openHouse, run, standing } from './support.ts';
import { bookPayments, createLedger } from './support-ledger.ts';
import { runVerb } from './support-process.ts';

let home: TestDatabase;
let house: QuarterHouse;
let admin: Database;
const at = (text: string) => new Date(text);
const now = '2025-06-11T00:00:00Z';

/** 2025q1 is closed, with rows in it. */
beforeEach(async () => {
  home = await createDatabase();
  house = openHouse(home.url, { premake: 1, now });
  admin = openDatabase({ databaseUrl: home.adminUrl, poolMax: 2 });
  await ensureQuarters(house, run, at('2025-01-01T00:00:00Z'), at(now));
  const ledger = await createLedger(house.database.write, 'a', 3);
  await bookPayments(house.database.write, ledger, {
    start: at('2025-01-01T00:00:00Z'),
    end: at('2025-04-01T00:00:00Z'),
    transactions: 20,
  });
  await closeQuarter(house, run, '2025q1');
  await reconcile(house, run);
});

afterEach(async () => {
  await admin?.close();
  await house?.database.close();
  await home?.drop();
});

const ddl = (text: string) => sql.raw(text).execute(house.database.direct);
const fix = () => reconcile(house, run, { fix: true });
const stand = async () => (await standing(house.database.direct))[0];
const lateRow = `INSERT INTO ledger.entries SELECT ledger_id, account_id, created_at, 999, transaction_id, 1, 1
  FROM ledger.entries_2025q1 LIMIT 1`;
const unfence = 'ALTER TABLE ledger.entries_2025q1 DROP CONSTRAINT quarter_closed';
const fenced = '2025q1 closed: attached fenced, attached fenced';

describe('a fence that was taken away', () => {
  it('is put back when the quarter still holds what was closed', async () => {
    await ddl(unfence);
    expect((await reconcile(house, run)).drift).toMatchObject([{ code: 'fence_missing', quarter: '2025q1' }]);
    expect((await previewReconcile(house, { fix: true })).fixed).toMatchObject([{ code: 'fence_missing' }]);
    const report = await fix();
    expect(report).toMatchObject({
      failed: [],
      drift: [],
      fixed: [{ code: 'fence_missing', quarter: '2025q1', relation: 'ledger.entries_2025q1' }],
    });
    expect(await stand()).toBe(fenced);
    await expect(ddl(lateRow)).rejects.toThrow('quarter_closed');
    expect(await eventsOf(house.database.direct, '2025q1')).toEqual(['create', 'close', 'repair']);
    expect(await fix()).toMatchObject({ fixed: [], drift: [] });
  });

  it.each([
    ['a row came', lateRow],
    ['a row went', 'DELETE FROM ledger.entries_2025q1 WHERE version = 1'],
    ['a row was changed', 'UPDATE ledger.entries_2025q1 SET amount = amount + 1 WHERE version = 2'],
  ])('is not put back when %s: that stays to be seen', async (_, statement) => {
    await ddl(unfence);
    await sql.raw(statement).execute(admin.direct);
    for (let i = 0; i < 2; i++) {
      expect(await fix()).toMatchObject({
        fixed: [],
        failed: [
          {
            what: '2025q1',
            code: 'quarter_changed',
            detail: expect.stringContaining('closed with 20 trans'),
          },
        ],
        drift: [{ code: 'fence_missing' }],
      });
    }
    expect(await stand()).toBe('2025q1 closed: attached fenced, attached');
  });

  it.each(['repair.before.fence', 'repair.fenced', 'repair.after.fence'])(
    'is there or not, with its event, when the process is killed at %s, and the next run finishes',
    async (dieAt) => {
      await ddl(unfence);
      const task = { url: home.url, house: { premake: 1, now }, verb: 'fix' as const, dieAt };
      expect(await runVerb(task)).toMatchObject({ signal: 'SIGKILL' });
      const events = await eventsOf(house.database.direct, '2025q1');
      expect(events.filter((event) => event === 'repair')).toHaveLength((await stand()) === fenced ? 1 : 0);
      const next = await runVerb({ url: home.url, house: { premake: 1, now }, verb: 'fix' });
      expect(next.said).toMatchObject([{ failed: [], drift: [] }]);
      expect(await stand()).toBe(fenced);
    },
  );

  it('is no fence when it bears the name alone', async () => {
    await ddl(`${unfence}; ALTER TABLE ledger.entries_2025q1 ADD CONSTRAINT quarter_closed CHECK (true)`);
    const report = await fix();
    expect(report.drift.map(({ code }) => code)).toEqual(['fence_missing', 'checks_differ']);
    expect(report.fixed).toEqual([]);
    await ddl(unfence);
    expect(await fix()).toMatchObject({ fixed: [{ code: 'fence_missing' }], drift: [] });
  });

  it('is not put back over a row that was being written meanwhile', async () => {
    await ddl(unfence);
    await admin.write.connection().execute(async (writer) => {
      await sql.raw(`BEGIN; ${lateRow}`).execute(writer);
      let committed = false;
      const onBlocked = () => {
        if (!committed) void sql`COMMIT`.execute(writer);
        committed = true;
      };
      expect(await reconcile(house, { ...run, onBlocked }, { fix: true })).toMatchObject({
        fixed: [],
        failed: [{ code: 'quarter_changed' }],
      });
    });
    expect(await stand()).toBe('2025q1 closed: attached fenced, attached');
  });

  it('is put back while a reader looks on, who waits for nothing', async () => {
    await ddl(unfence);
    const count = sql<{ count: bigint }>`SELECT count(*) AS count FROM ledger.entries_2025q1`;
    await house.database.read.connection().execute(async (reader) => {
      await sql`BEGIN`.execute(reader);
      await count.execute(reader);
      const tries: number[] = [];
      const fixing = reconcile(
        house,
        {
          ...run,
          onBlocked: (_relations, _blockers, attempt, waiting) => {
            tries.push(attempt);
            if (waiting === 'short')
              void count.execute(house.database.write).then(() => sql`COMMIT`.execute(reader));
          },
        },
        { fix: true },
      );
      expect(await fixing).toMatchObject({ failed: [], fixed: [{ code: 'fence_missing' }] });
      expect(tries.length).toBeGreaterThan(0);
    });
  });
});
