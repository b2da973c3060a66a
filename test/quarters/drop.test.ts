import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { approveQuarter } from '../../src/quarters/approve.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { dropQuarter, previewDrop } from '../../src/quarters/drop.ts';
import { holdQuarter } from '../../src/quarters/hold.ts';
import { reconcile } from '../../src/quarters/reconcile.ts';
import { readQuarter } from '../../src/quarters/registry.ts';
import { releaseQuarter } from '../../src/quarters/release.ts';
import { restoreQuarter } from '../../src/quarters/restore.ts';
import { unholdQuarter } from '../../src/quarters/unhold.ts';
import { verifyQuarter } from '../../src/quarters/verify.ts';
import { run } from './archive-fixture.ts';
import { type ArchivedHome, flipBit, openArchivedHome, takeTo } from './restore-fixture.ts';
import { eventsOf, standing } from './support.ts';

let home: ArchivedHome;
let house: QuarterHouse;
const quarters = ['2024q1', '2024q2', '2024q3', '2024q4', '2025q1'];
const db = () => house.database.direct;
const ddl = (text: string) => sql.raw(text).execute(db());
const stand = async (quarter: string) =>
  (await standing(db())).find((line) => line.startsWith(quarter))?.slice(quarter.length + 1);
const detached = 'detached: standalone fenced, standalone fenced';
const refusal = (quarter: string, how: QuarterHouse = house) =>
  dropQuarter(how, run, quarter).catch((error: unknown) => error);

beforeAll(async () => {
  home = await openArchivedHome(quarters, 60);
  house = home.house;
  // As a close keeps them.
  for (const quarter of ['2024q1', '2024q2']) {
    await sql`
      INSERT INTO ledger.quarter_accounts
      SELECT ledger_id, ${quarter}, id, entity_id, group_type, currency, name, status, created_at FROM ledger.accounts
      ON CONFLICT DO NOTHING`.execute(db());
    await sql`INSERT INTO quartermaster.quarter_currencies SELECT ${quarter}, code, exponent FROM ledger.currencies
              ON CONFLICT DO NOTHING`.execute(db());
  }
  for (const quarter of quarters.slice(0, 4)) await takeTo(house, quarter, 'detached');
});

afterAll(() => home?.close());

describe('a drop', () => {
  it('says what it would do, and drops the tables once the archive was read and they were counted', async () => {
    const outlook = await previewDrop(house, run, '2024q1');
    expect(outlook).toMatchObject({ done: false, obstacles: [] });
    expect(outlook.steps).toHaveLength(3);
    expect(await stand('2024q1')).toBe(detached);
    const { digest } = await readQuarter(db(), '2024q1');
    expect(await dropQuarter(house, run, '2024q1')).toEqual({
      quarter: '2024q1',
      dropped: ['transactions', 'entries'],
      missing: [],
      digest,
    });
    expect(await stand('2024q1')).toBe('dropped: missing, missing');
    expect(await readQuarter(db(), '2024q1')).toMatchObject({ dropped_at: house.clock.now(), digest });
    expect(await eventsOf(db(), '2024q1')).toEqual(['create', 'close', 'archive', 'detach', 'drop']);
    expect(await dropQuarter(house, run, '2024q1')).toMatchObject({ dropped: [] });
    expect(await previewDrop(house, run, '2024q1')).toMatchObject({ done: true });
    expect((await reconcile(house, run)).drift).toEqual([]);
  });

  it('forgets the reference data of the quarter, which are in its archive, and of no other', async () => {
    const left = async (table: string) =>
      (
        await sql.raw<{ quarter: string }>(`SELECT DISTINCT quarter FROM ${table} ORDER BY 1`).execute(db())
      ).rows.map(({ quarter }) => quarter);
    expect(await left('ledger.quarter_accounts')).toEqual(expect.arrayContaining(['2024q2']));
    expect(await left('ledger.quarter_accounts')).not.toContain('2024q1');
    expect(await left('quartermaster.quarter_currencies')).toContain('2024q2');
    expect(await left('quartermaster.quarter_currencies')).not.toContain('2024q1');
    expect(await left('ledger.quarter_balances')).toContain('2024q1');
  });

  it('asks for a reason, and refuses what is not detached, or held', async () => {
    await expect(dropQuarter(house, { actor: 'ada' }, '2024q2')).rejects.toMatchObject({
      kind: 'invalid',
      code: 'reason_missing',
    });
    expect(await refusal('2025q1')).toMatchObject({ kind: 'conflict', code: 'quarter_state' });
    await holdQuarter(house, { ...run, reason: 'a lawsuit' }, '2024q2');
    expect(await refusal('2024q2')).toMatchObject({
      code: 'quarter_held',
      detail: expect.stringContaining('a lawsuit'),
    });
    await unholdQuarter(house, run, '2024q2');
    expect(await stand('2024q2')).toBe(detached);
  });

  it('hears of a hold that comes while it is at work', async () => {
    const step = async (name: string) => {
      if (name === 'drop.counted') await holdQuarter(house, run, '2024q2');
    };
    await expect(dropQuarter(house, { ...run, step }, '2024q2')).rejects.toMatchObject({
      code: 'quarter_held',
    });
    await unholdQuarter(house, run, '2024q2');
    expect(await stand('2024q2')).toBe(detached);
  });

  it.each(['transactions', 'accounts'])(
    'drops nothing when a bit of %s in the store is another one',
    async (table) => {
      const mend = await flipBit(home.directory, `ledger/2024q2/${table}/part-0000.parquet`);
      expect(await refusal('2024q2')).toMatchObject({ kind: 'corrupt', code: 'archive_damaged' });
      await mend();
      // Nor before somebody has looked at it.
      expect(await refusal('2024q2')).toMatchObject({ kind: 'corrupt', code: 'archive_damaged' });
      expect(await stand('2024q2')).toBe(detached);
      await verifyQuarter(house, run, '2024q2');
    },
  );

  it('drops nothing when the store has lost the archive, or has that of somebody else', async () => {
    const gone = { ...house, ledgerSet: 'nowhere' };
    expect(await refusal('2024q2', gone)).toMatchObject({ code: 'not_in_store' });
    await verifyQuarter(house, run, '2024q2');
    await db()
      .updateTable('quartermaster.archives')
      .set({ manifest_sha256: 'other' })
      .where('quarter', '=', '2024q3')
      .execute();
    expect(await refusal('2024q3')).toMatchObject({
      code: 'archive_damaged',
      detail: expect.stringContaining('the manifest is not the one that was written'),
    });
    expect(await stand('2024q3')).toBe(detached);
  });

  it('drops nothing of a table with other rows than were closed', async () => {
    await ddl('ALTER TABLE ledger.entries_2024q2 DROP CONSTRAINT quarter_closed');
    await ddl(`INSERT INTO ledger.entries_2024q2 (ledger_id, account_id, created_at, version, transaction_id, amount, balance_after)
               SELECT ledger_id, account_id, created_at, version + 1000000, transaction_id, amount, balance_after
               FROM ledger.entries_2024q2 LIMIT 1`);
    expect(await refusal('2024q2')).toMatchObject({
      kind: 'corrupt',
      code: 'digest_differs',
      detail: expect.stringContaining('ledger.entries_2024q2 holds other rows'),
    });
    // It takes no row any more, so that it can be looked at in peace.
    expect(await stand('2024q2')).toBe(detached);
  });

  it('leaves a partition that somebody attached again, and what others built upon a table', async () => {
    const quarter = '2024q4';
    await ddl(`ALTER TABLE ledger.entries ATTACH PARTITION ledger.entries_2024q4
               FOR VALUES FROM ('2024-10-01 00:00+00') TO ('2025-01-01 00:00+00')`);
    expect(await refusal(quarter)).toMatchObject({ kind: 'conflict', code: 'partition_attached' });
    await ddl('ALTER TABLE ledger.entries DETACH PARTITION ledger.entries_2024q4');
    await ddl('CREATE VIEW public.report AS SELECT amount FROM ledger.entries_2024q4');
    expect(await refusal(quarter)).toMatchObject({
      kind: 'conflict',
      code: 'table_in_use',
      detail: expect.stringContaining('view report'),
    });
    expect(await stand(quarter)).toBe(detached);
    await ddl('DROP VIEW public.report');
  });

  it('waits for two people where it takes two', async () => {
    const quarter = '2024q4';
    const strict: QuarterHouse = { ...house, archiveApproval: 'required' };
    expect((await previewDrop(strict, run, quarter)).obstacles).toMatchObject([
      { code: 'approval_required' },
    ]);
    expect(await refusal(quarter, strict)).toMatchObject({ kind: 'conflict', code: 'approval_required' });
    await approveQuarter(strict, { actor: 'bob' }, quarter);
    // What was agreed on before somebody wanted the rows again does not count.
    await restoreQuarter(strict, run, quarter);
    await releaseQuarter(strict, run, quarter);
    expect(await refusal(quarter, strict)).toMatchObject({ kind: 'conflict', code: 'approval_required' });
    await approveQuarter(strict, { actor: 'bob' }, quarter);
    await ddl('DROP TABLE ledger.transactions_2024q4');
    expect(await dropQuarter(strict, run, quarter)).toMatchObject({
      dropped: ['entries'],
      missing: ['transactions'],
    });
    const { detail } = await db()
      .selectFrom('quartermaster.quarter_events')
      .select('detail')
      .where('quarter', '=', quarter)
      .where('event', '=', 'drop')
      .executeTakeFirstOrThrow();
    expect(detail).toMatchObject({ requested_by: 'ada', approved_by: 'bob', missing: ['transactions'] });
    expect(await stand(quarter)).toBe('dropped: missing, missing');
  });

  it('waits for them once more when it was brought back since', async () => {
    const quarter = '2024q4';
    const strict: QuarterHouse = { ...house, archiveApproval: 'required' };
    await restoreQuarter(house, { actor: 'eve', reason: 'audit' }, quarter);
    await releaseQuarter(house, { actor: 'eve' }, quarter);
    expect((await previewDrop(strict, run, quarter)).obstacles).toMatchObject([
      { code: 'approval_required' },
    ]);
    expect(await refusal(quarter, strict)).toMatchObject({ code: 'approval_required' });
    await approveQuarter(strict, { actor: 'bob' }, quarter);
    expect(await dropQuarter(strict, run, quarter)).toMatchObject({ dropped: ['transactions', 'entries'] });
  });
});
