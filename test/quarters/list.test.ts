import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { closeQuarter } from '../../src/quarters/close.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { detachQuarter } from '../../src/quarters/detach.ts';
import { listQuarters } from '../../src/quarters/list.ts';
import { recordEvent } from '../../src/quarters/registry.ts';
import { showQuarter } from '../../src/quarters/show.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { openHouse, pretendArchived, run } from './support.ts';
import { bookPayments, createLedger } from './support-ledger.ts';

let home: TestDatabase;
let house: QuarterHouse;
const at = (text: string) => new Date(text);

beforeAll(async () => {
  home = await createDatabase();
  house = openHouse(home.url, { premake: 1, now: '2025-11-11T00:00:00Z' });
  await ensureQuarters(house, run, at('2025-07-01T00:00:00Z'), at('2025-11-11T00:00:00Z'));
  const ledger = await createLedger(house.database.write, 'a', 3);
  await bookPayments(house.database.write, ledger, {
    start: at('2025-07-01T00:00:00Z'),
    end: at('2025-10-02T00:00:00Z'),
    transactions: 93,
  });
  await closeQuarter(house, { ...run, reason: 'year-end' }, '2025q3');
});

afterAll(async () => {
  await house?.database.close();
  await home?.drop();
});

describe('listQuarters', () => {
  it('counts closed and open quarters exactly, and tells their bytes', async () => {
    const quarters = await listQuarters(house);
    expect(
      quarters.map(({ name, state, attached, transactions, entries, exact }) => [
        name,
        state,
        attached,
        transactions,
        entries,
        exact,
      ]),
    ).toEqual([
      ['2025q3', 'closed', true, 92n, 184n, true],
      ['2025q4', 'open', true, 1n, 2n, true],
      ['2026q1', 'open', true, 0n, 0n, true],
    ]);
    expect(quarters[0]).toMatchObject({
      start: at('2025-07-01T00:00:00Z'),
      end: at('2025-10-01T00:00:00Z'),
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      archivedBytes: 0n,
      holdReason: null,
      verifiedAt: null,
    });
    const { rows } = await sql<{ bytes: bigint }>`
      SELECT pg_total_relation_size('ledger.transactions_2025q3') + pg_total_relation_size('ledger.entries_2025q3')
        AS bytes`.execute(house.database.direct);
    expect(quarters[0]?.onlineBytes).toBe(rows[0]?.bytes);
  });

  it('says when the rows of a large open quarter are an estimate', async () => {
    const admin = openDatabase({ databaseUrl: home.adminUrl, poolMax: 2 });
    await sql`UPDATE pg_class SET reltuples = 3e6 WHERE relname = 'entries_2025q4'`.execute(admin.write);
    await admin.close();
    expect((await listQuarters(house))[1]).toMatchObject({
      transactions: 1n,
      entries: 3_000_000n,
      exact: false,
    });
  });
});

describe('showQuarter', () => {
  it('tells the story of a quarter and the files of its archive', async () => {
    await pretendArchived(house.database.write, '2025q3');
    await house.database.write
      .insertInto('quartermaster.archive_files')
      .values({ quarter: '2025q3', path: 'e/0', table_name: 'entries', rows: 184n, bytes: 5n, sha256: 'a' })
      .execute();
    await detachQuarter(house, run, '2025q3');
    const quarter = await showQuarter(house, '2025q3');
    expect(quarter).toMatchObject({
      name: '2025q3',
      state: 'detached',
      attached: false,
      transactions: 92n,
      location: 'none:',
      closedAt: house.clock.now(),
      detachedAt: house.clock.now(),
      files: [{ path: 'e/0', table: 'entries', rows: 184n, bytes: 5n, sha256: 'a' }],
    });
    expect(quarter.onlineBytes).toBeGreaterThan(0n);
    expect(quarter.events.map(({ event, actor, reason }) => [event, actor, reason])).toEqual([
      ['create', 'test', null],
      ['close', 'test', 'year-end'],
      ['detach', 'test', null],
    ]);
    expect(quarter.events[1]?.detail).toMatchObject({ transactions: '92', entries: '184', accounts: '3' });
  });

  it('tells all of one moment, whatever is done meanwhile', async () => {
    const other = openDatabase({ databaseUrl: home.url, poolMax: 1 });
    try {
      const before = await showQuarter(house, '2025q3');
      const reading = await other.write.transaction().execute(async (trx) => {
        await sql`LOCK TABLE quartermaster.archive_files`.execute(trx);
        const shown = showQuarter(house, '2025q3');
        await expect
          .poll(async () => {
            const { rows } = await sql`SELECT FROM pg_locks WHERE NOT granted AND database =
              (SELECT oid FROM pg_database WHERE datname = current_database())`.execute(house.database.write);
            return rows.length;
          })
          .toBe(1);
        // It has read the story of the quarter, and not yet the files of its archive nor the checks of its last close.
        await recordEvent(trx, '2025q3', 'close_refused', run, {
          checks: [{ name: 'n', ok: false, detail: '' }],
        });
        return { shown };
      });
      expect((await reading.shown).checks).toEqual(before.checks);
      expect((await showQuarter(house, '2025q3')).checks?.items).toHaveLength(1);
    } finally {
      await other.close();
    }
  });

  it('knows only quarters there are', async () => {
    await expect(showQuarter(house, '1999q1')).rejects.toMatchObject({ code: 'no_such_quarter' });
  });
});
