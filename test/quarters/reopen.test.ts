import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { requestApproval } from '../../src/quarters/approvals.ts';
import { closeQuarter } from '../../src/quarters/close.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { reconcile } from '../../src/quarters/reconcile.ts';
import { advance, readQuarter } from '../../src/quarters/registry.ts';
import { reopenQuarter } from '../../src/quarters/reopen.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { eventsOf, openHouse, pretendArchived, run, standing } from './support.ts';
import { bookPayments, createLedger } from './support-ledger.ts';

let home: TestDatabase;
let house: QuarterHouse;
let admin: Database;
let ledger: number;
const at = (text: string) => new Date(text);
const ann = { actor: 'ann', reason: ' a late invoice ' };
const close = (quarter: string) => closeQuarter(house, run, quarter);
const reopen = (quarter: string) => reopenQuarter(house, ann, quarter);
const stand = async (quarter: string) =>
  (await standing(house.database.direct)).find((line) => line.startsWith(quarter))?.slice(quarter.length + 1);
const [fenced, open] = ['closed: attached fenced, attached fenced', 'open: attached, attached'];

/** 2025 in quarters; payments in the first two, which are closed, and none in the third. */
beforeEach(async () => {
  home = await createDatabase();
  house = openHouse(home.url, { premake: 1, now: '2025-11-11T00:00:00Z' });
  admin = openDatabase({ databaseUrl: home.adminUrl, poolMax: 2 });
  await ensureQuarters(house, run, at('2025-01-01T00:00:00Z'), at('2025-11-11T00:00:00Z'));
  ledger = await createLedger(house.database.write, 'a', 4);
  await pay('2025-01-01', '2025-04-01');
  await pay('2025-04-01', '2025-07-01');
  for (const quarter of ['2025q1', '2025q2']) await close(quarter);
});

afterEach(async () => {
  await house?.database.close();
  await admin?.close();
  await home?.drop();
});

async function pay(start: string, end: string, of = ledger): Promise<void> {
  await bookPayments(house.database.write, of, { start: at(start), end: at(end), transactions: 20 });
}

async function count(table: string, quarter: string): Promise<bigint> {
  const { rows } = await sql<{ n: bigint }>`
    SELECT count(*) AS n FROM ${sql.table(table)} WHERE quarter = ${quarter}`.execute(admin.read);
  return rows[0]?.n ?? 0n;
}

async function trialBalance(quarter: string) {
  return house.database.write
    .selectFrom('ledger.quarter_balances')
    .select(['account_id', 'opening', 'debits', 'credits', 'closing', 'version'])
    .where('ledger_id', '=', ledger)
    .where('quarter', '=', quarter)
    .orderBy('account_id')
    .execute();
}

describe('reopenQuarter', () => {
  it('lets rows in again, takes back what was fixed, and says who did it and why', async () => {
    const was = await readQuarter(house.database.write, '2025q2');
    await requestApproval({ ...house, archiveApproval: 'required' }, run, was, 'archive');
    expect(await reopen('2025q2')).toEqual({ quarter: '2025q2', reopened: true, stale: [] });
    expect(await stand('2025q2')).toBe(open);
    const row = await readQuarter(house.database.write, '2025q2');
    expect(row).toMatchObject({ transactions: null, entries: null, digest: null, closed_at: null });
    expect(row.reopened_at).toEqual(house.clock.now());
    for (const table of [
      'ledger.quarter_balances',
      'ledger.quarter_accounts',
      'quartermaster.quarter_currencies',
      'quartermaster.approvals',
    ]) {
      expect(await count(table, '2025q2'), table).toBe(0n);
    }
    expect(await count('ledger.quarter_balances', '2025q1')).toBe(4n);
    const event = await house.database.write
      .selectFrom('quartermaster.quarter_events')
      .select(['event', 'actor', 'reason', 'detail'])
      .where('quarter', '=', '2025q2')
      .orderBy('id', 'desc')
      .executeTakeFirstOrThrow();
    expect(event).toMatchObject({ event: 'reopen', actor: 'ann', reason: 'a late invoice' });
    expect(event.detail).toMatchObject({ stale: [], was: { digest: was.digest, transactions: '20' } });
    expect(await reconcile(house, run)).toMatchObject({ drift: [] });
  });

  it('changes nothing when it is open, but for a fence that was left', async () => {
    expect(await reopen('2025q3')).toEqual({ quarter: '2025q3', reopened: false, stale: [] });
    for (const table of ['transactions', 'entries']) {
      const fence = `ALTER TABLE ledger.${table}_2025q3 ADD CONSTRAINT quarter_closed CHECK (false) NOT VALID`;
      await sql.raw(fence).execute(house.database.direct);
    }
    await reopen('2025q3');
    expect(await stand('2025q3')).toBe(open);
    expect(await eventsOf(house.database.direct, '2025q3')).toEqual(['create']);
  });

  it('gives the same close again when nothing came in between', async () => {
    const before = [await trialBalance('2025q2'), (await readQuarter(house.database.write, '2025q2')).digest];
    await reopen('2025q2');
    const { digest } = await close('2025q2');
    expect([await trialBalance('2025q2'), digest]).toEqual(before);
    const story = ['create', 'close', 'reopen', 'close'];
    expect(await eventsOf(house.database.direct, '2025q2')).toEqual(story);
  });

  it.each([
    ['  ', 'reason_missing'],
    ['a\u0000b', 'invalid_reason'],
  ])('wants a reason one can read, and %j is none', async (reason, code) => {
    const reopening = reopenQuarter(house, { ...ann, reason }, '2025q2');
    await expect(reopening).rejects.toMatchObject({ kind: 'invalid', code });
    expect(await stand('2025q2')).toBe(fenced);
  });

  it.each(['archived', 'detached', 'dropped', 'restored'] as const)(
    'reopens nothing that is %s, and nothing before that',
    async (state) => {
      await pretendArchived(house.database.write, '2025q2');
      await house.database.write
        .updateTable('quartermaster.quarters')
        .set({ state })
        .where('quarter', '=', '2025q2')
        .execute();
      await expect(reopen('2025q2')).rejects.toMatchObject({
        kind: 'conflict',
        code: 'quarter_state',
        detail: expect.stringMatching(new RegExp(`^2025q2 is ${state};.*effective_at`)),
      });
      await expect(reopen('2025q1')).rejects.toMatchObject({
        kind: 'refused',
        code: 'later_quarter_archived',
        detail: expect.stringContaining(`2025q2 is ${state}.`),
      });
      expect(await stand('2025q1')).toBe(fenced);
      expect(await eventsOf(house.database.direct, '2025q1')).toEqual(['create', 'close']);
    },
  );

  it('is of a quarter there is, and of one that has rows to take', async () => {
    await expect(reopen('1999q1')).rejects.toMatchObject({ code: 'no_such_quarter' });
    await house.database.write
      .updateTable('quartermaster.quarters')
      .set({ state: 'planned' })
      .where('quarter', '=', '2025q4')
      .execute();
    await expect(reopen('2025q4')).rejects.toMatchObject({ code: 'quarter_state' });
  });
});

describe('later quarters', () => {
  beforeEach(async () => {
    await close('2025q3');
    await requestApproval(
      { ...house, archiveApproval: 'required' },
      run,
      await readQuarter(house.database.write, '2025q3'),
      'archive',
    );
    expect(await reopen('2025q1')).toMatchObject({ stale: ['2025q2', '2025q3'] });
  });

  it('that are closed become stale, keep their fence, and say why', async () => {
    for (const quarter of ['2025q2', '2025q3']) {
      expect(await stand(quarter)).toBe(fenced);
      const { stale_reason, digest } = await readQuarter(house.database.write, quarter);
      expect(stale_reason).toBe('2025q1 was reopened: a late invoice');
      expect(digest).not.toBeNull();
      expect(await eventsOf(house.database.direct, quarter)).toContain('stale');
    }
    expect(await count('quartermaster.approvals', '2025q3')).toBe(0n);
    expect((await readQuarter(house.database.write, '2025q4')).stale_reason).toBeNull();
  });

  it('are closed again in order, and nothing after them before', async () => {
    await expect(close('2025q2')).rejects.toMatchObject({ code: 'earlier_quarter_open' });
    await close('2025q1');
    await expect(close('2025q3')).rejects.toMatchObject({
      kind: 'refused',
      code: 'earlier_quarter_stale',
      detail: expect.stringContaining('2025q2 is stale'),
    });
    for (const quarter of ['2025q2', '2025q3']) {
      expect(await close(quarter)).toMatchObject({ closed: true });
      expect((await readQuarter(house.database.write, quarter)).stale_reason).toBeNull();
      expect(await close(quarter)).toMatchObject({ closed: false });
    }
    const events = await house.database.write
      .selectFrom('quartermaster.quarter_events')
      .select('detail')
      .where('quarter', '=', '2025q2')
      .where('event', '=', 'close')
      .orderBy('id', 'desc')
      .execute();
    const [last] = events;
    expect(events).toHaveLength(2);
    expect(last?.detail).toMatchObject({
      again: true,
      was: { stale: '2025q1 was reopened: a late invoice' },
    });
  });

  it('open with what the reopened one ends with now', async () => {
    // Accounts that have moved since can take nothing before that; new ones can.
    const other = await createLedger(house.database.write, 'late', 3);
    await pay('2025-03-01', '2025-03-31', other);
    await close('2025q1');
    for (const quarter of ['2025q2', '2025q3']) await close(quarter);
    await pay('2025-10-02', '2025-10-03', other);
    house = { ...house, clock: { now: () => at('2026-02-02T00:00:00Z') } };
    expect(await close('2025q4')).toMatchObject({ closed: true, accounts: 3n });
    const { rows } = await sql<{ same: boolean; accounts: bigint }>`
      SELECT bool_and(first.closing = last.opening) AS same, count(*) AS accounts
      FROM ledger.quarter_balances AS first JOIN ledger.quarter_balances AS last USING (ledger_id, account_id)
      WHERE ledger_id = ${other} AND first.quarter = '2025q1' AND last.quarter = '2025q4'`.execute(
      admin.read,
    );
    expect(rows).toEqual([{ same: true, accounts: 3n }]);
  });

  it('stay stale behind their fence when a check fails, and all is put down', async () => {
    await close('2025q1');
    await sql`UPDATE ledger.daily_totals SET total_amount = total_amount + 1`.execute(admin.write);
    await expect(close('2025q2')).rejects.toMatchObject({
      code: 'close_check_failed',
      detail: expect.stringContaining('2025q2 stays stale'),
    });
    expect(await stand('2025q2')).toBe(fenced);
    expect((await readQuarter(house.database.write, '2025q2')).stale_reason).not.toBeNull();
    expect(await count('ledger.quarter_balances', '2025q2')).toBe(4n);
  });

  it('that are stale cannot be archived, not even when they became so at the last moment', async () => {
    const archive = () =>
      house.database.write
        .transaction()
        .execute((trx) => advance(trx, '2025q2', 'archive', run, { archived_at: house.clock.now() }));
    await expect(archive()).rejects.toMatchObject({
      kind: 'conflict',
      code: 'quarter_stale',
      detail: expect.stringContaining('2025q1 was reopened: a late invoice'),
    });
    expect(await stand('2025q2')).toBe(fenced);
    for (const quarter of ['2025q1', '2025q2']) await close(quarter);
    await archive();
  });

  it('can be reopened themselves', async () => {
    expect(await reopen('2025q2')).toMatchObject({ reopened: true, stale: ['2025q3'] });
    expect((await readQuarter(house.database.write, '2025q2')).stale_reason).toBeNull();
    expect((await readQuarter(house.database.write, '2025q3')).stale_reason).toContain('2025q2 was reopened');
  });
});
