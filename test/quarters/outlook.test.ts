import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { closeQuarter, previewClose } from '../../src/quarters/close.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { createQuarter, ensureQuarters, previewCreate } from '../../src/quarters/create.ts';
import { holdQuarter, previewHold } from '../../src/quarters/hold.ts';
import { previewReopen, reopenQuarter } from '../../src/quarters/reopen.ts';
import { previewUnhold, unholdQuarter } from '../../src/quarters/unhold.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { houseOver, openHouse, pretendArchived, run, standing } from './support.ts';

let home: TestDatabase;
let house: QuarterHouse;
const nothing = { done: true, obstacles: [], steps: [] };
const audit = { ...run, reason: 'audit' };

beforeEach(async () => {
  home = await createDatabase();
  house = openHouse(home.url, { premake: 1, now: '2025-11-11T00:00:00Z' });
  await ensureQuarters(house, run, new Date('2025-01-01T00:00:00Z'), new Date('2025-11-11T00:00:00Z'));
  await closeQuarter(house, run, '2025q1');
});

afterEach(async () => {
  await house?.database.close();
  await home?.drop();
});

/** Everything that a verb could have changed. */
async function everything() {
  const { rows } = await sql<{ all: string }>`
    SELECT json_build_array((SELECT json_agg(q ORDER BY quarter) FROM quartermaster.quarters AS q),
                            (SELECT json_agg(e ORDER BY id) FROM quartermaster.quarter_events AS e))::text AS all`.execute(
    house.database.write,
  );
  return [rows[0]?.all, await standing(house.database.direct)];
}

async function unchanged<T>(preview: () => Promise<T>): Promise<T> {
  const before = await everything();
  const outlook = await preview();
  expect(await everything()).toEqual(before);
  return outlook;
}

const codes = ({ obstacles }: { obstacles: readonly { code: string }[] }) =>
  obstacles.map(({ code }) => code);

describe('the outlook of a close', () => {
  it('is what it would do', async () => {
    expect(await unchanged(() => previewClose(house, run, '2025q2'))).toEqual({
      done: false,
      obstacles: [],
      steps: [
        'let no more rows into ledger.transactions_2025q2 and ledger.entries_2025q2',
        'check its books: sums, transactions, balances, versions, summaries, openings, accounts',
        'fix its trial balance, and accounts and currencies as they are now',
        'count its rows and take their digest',
      ],
    });
    expect(await previewClose(house, run, '2025q1')).toEqual(nothing);
  });

  it('names everything that stands in the way', async () => {
    const early = houseOver(house.database, { now: '2025-08-08T00:00:00Z' });
    expect(codes(await previewClose(early, run, '2025q3'))).toEqual([
      'quarter_not_ended',
      'earlier_quarter_open',
    ]);
    await expect(previewClose(house, run, '1999q1')).rejects.toMatchObject({ code: 'no_such_quarter' });
  });

  it('of a closed one without its fence is to put that back', async () => {
    const drop = sql`ALTER TABLE ledger.entries_2025q1 DROP CONSTRAINT quarter_closed`;
    await drop.execute(house.database.direct);
    const steps = [
      'let no more rows into ledger.entries_2025q1 again, if 2025q1 still holds what was closed',
    ];
    expect(await unchanged(() => previewClose(house, run, '2025q1'))).toEqual({ ...nothing, steps });
    await closeQuarter(house, run, '2025q1');
    expect(await previewClose(house, run, '2025q1')).toEqual(nothing);
  });
});

describe('the outlook of a reopen', () => {
  it('is what it would do, the later quarters included', async () => {
    await closeQuarter(house, run, '2025q2');
    expect(await unchanged(() => previewReopen(house, audit, '2025q1'))).toEqual({
      done: false,
      obstacles: [],
      steps: [
        'take back the trial balance, the counts and the digest of 2025q1',
        'mark 2025q2 as stale: it has to be closed again',
        'let rows into ledger.transactions_2025q1 and ledger.entries_2025q1 again',
      ],
    });
    expect(await previewReopen(house, audit, '2025q3')).toEqual(nothing);
    await reopenQuarter(house, audit, '2025q1');
    const again = await unchanged(() => previewClose(house, run, '2025q2'));
    expect(codes(again)).toEqual(['earlier_quarter_open']);
    expect(again.steps).toContain('fix its trial balance anew, and accounts and currencies as they are now');
  });

  it('names everything that stands in the way', async () => {
    await closeQuarter(house, run, '2025q2');
    await pretendArchived(house.database.write, '2025q2');
    expect(codes(await unchanged(() => previewReopen(house, run, '2025q1')))).toEqual([
      'reason_missing',
      'later_quarter_archived',
    ]);
    expect(codes(await previewReopen(house, audit, '2025q2'))).toEqual(['quarter_state']);
  });
});

describe('the outlook of a hold, and of its end', () => {
  it('is what it would do', async () => {
    expect(await unchanged(() => previewHold(house, audit, '2025q1'))).toEqual({
      done: false,
      obstacles: [],
      steps: ['hold 2025q1 for: audit'],
    });
    expect(await previewUnhold(house, run, '2025q1')).toEqual(nothing);
    await holdQuarter(house, audit, '2025q1');
    expect(await previewHold(house, audit, '2025q1')).toEqual(nothing);
    expect((await previewHold(house, { ...run, reason: 'court' }, '2025q1')).steps).toEqual([
      'hold 2025q1 for: court; until now it is held for: audit',
    ]);
    expect(await unchanged(() => previewUnhold(house, run, '2025q1'))).toEqual({
      done: false,
      obstacles: [],
      steps: ['end the hold of 2025q1, which is held for: audit'],
    });
    await unholdQuarter(house, run, '2025q1');
    expect(await previewUnhold(house, run, '2025q1')).toEqual(nothing);
  });

  it('names what stands in the way', async () => {
    await house.database.write.updateTable('quartermaster.quarters').set({ state: 'dropped' }).execute();
    expect(codes(await previewHold(house, run, '2025q1'))).toEqual(['reason_missing', 'quarter_state']);
    for (const preview of [previewHold, previewUnhold])
      await expect(preview(house, audit, '1999q1')).rejects.toMatchObject({ code: 'no_such_quarter' });
  });
});

describe('the outlook of a create', () => {
  it('is the quarters it would make, and those in between', async () => {
    expect(await unchanged(() => previewCreate(house, run, '2024q3'))).toEqual({
      done: false,
      obstacles: [],
      steps: [
        'create the partitions of 2024q3 and attach them',
        'create the partitions of 2024q4 and attach them',
      ],
    });
    expect((await createQuarter(house, run, '2024q3')).created).toEqual(['2024q3', '2024q4']);
    expect(await previewCreate(house, run, '2024q3')).toEqual(nothing);
    expect(await previewCreate(house, run, '2025q1')).toEqual(nothing);
  });

  it('names what stands in the way', async () => {
    const create = sql`
      CREATE TABLE ledger.entries_early PARTITION OF ledger.entries
      FOR VALUES FROM ('2024-10-01 00:00:00+00') TO ('2025-01-01 00:00:00+00')`;
    await create.execute(house.database.direct);
    const outlook = await unchanged(() => previewCreate(house, run, '2024q4'));
    expect(codes(outlook)).toEqual(['quarter_not_created']);
    expect(outlook.obstacles[0]?.detail).toContain('ledger.entries_early');
    const young = houseOver(house.database, { oldest: '2024-01-01T00:00:00Z' });
    expect(codes(await previewCreate(young, run, '2023q4'))).toEqual(['before_oldest']);
    const old = houseOver(house.database, { oldest: '1900-01-01T00:00:00Z' });
    expect(codes(await previewCreate(old, run, '1920q1'))).toContain('too_many_quarters');
    await expect(previewCreate(house, run, '2025q5')).rejects.toMatchObject({ code: 'invalid_quarter' });
  });
});
