import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { closeQuarter } from '../../src/quarters/close.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { detachQuarter } from '../../src/quarters/detach.ts';
import { holdQuarter } from '../../src/quarters/hold.ts';
import { readQuarter } from '../../src/quarters/registry.ts';
import { unholdQuarter } from '../../src/quarters/unhold.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { openHouse, pretendArchived, run } from './support.ts';

let home: TestDatabase;
let house: QuarterHouse;

beforeEach(async () => {
  home = await createDatabase();
  house = openHouse(home.url, { premake: 1, now: '2025-11-11T00:00:00Z' });
  const quarters = [new Date('2025-01-01T00:00:00Z'), new Date('2025-11-11T00:00:00Z')] as const;
  await ensureQuarters(house, run, ...quarters);
});
afterEach(async () => {
  await house?.database.close();
  await home?.drop();
});

const hold = (reason: string | undefined, quarter = '2025q1') =>
  holdQuarter(house, { actor: 'ann', reason }, quarter);
const unhold = (quarter = '2025q1') => unholdQuarter(house, { actor: 'bob', reason: 'audit done' }, quarter);

/** Since the quarter was made. */
async function story(quarter = '2025q1') {
  const events = await house.database.write
    .selectFrom('quartermaster.quarter_events')
    .select(['event', 'actor', 'reason', 'detail'])
    .where('quarter', '=', quarter)
    .where('event', 'in', ['hold', 'unhold'])
    .orderBy('id')
    .execute();
  return events;
}

describe('a hold', () => {
  it('keeps a quarter from being taken out, until it is ended, and both are told', async () => {
    await closeQuarter(house, run, '2025q1');
    await pretendArchived(house.database.write, '2025q1');
    expect(await hold('audit of 2025')).toEqual({
      quarter: '2025q1',
      holdReason: 'audit of 2025',
      changed: true,
    });
    await expect(detachQuarter(house, run, '2025q1')).rejects.toMatchObject({
      code: 'quarter_held',
      detail: expect.stringMatching(/audit of 2025.*quarters unhold 2025q1/),
    });
    expect(await unhold()).toEqual({ quarter: '2025q1', holdReason: null, changed: true });
    expect(await detachQuarter(house, run, '2025q1')).toMatchObject({ detached: expect.any(Array) });
    expect(await story()).toEqual([
      { event: 'hold', actor: 'ann', reason: 'audit of 2025', detail: {} },
      { event: 'unhold', actor: 'bob', reason: 'audit done', detail: { was: 'audit of 2025' } },
    ]);
  });

  it('is one, however often it is asked for, and has the last reason', async () => {
    await hold('an audit');
    expect(await hold(' an audit ')).toMatchObject({ changed: false });
    expect(await hold('a lawsuit')).toMatchObject({ changed: true });
    expect((await readQuarter(house.database.write, '2025q1')).hold_reason).toBe('a lawsuit');
    expect((await story()).map(({ reason }) => reason)).toEqual(['an audit', 'a lawsuit']);
    await unhold();
    expect(await unhold()).toMatchObject({ changed: false });
    expect(await story()).toHaveLength(3);
  });

  it('is one event, whoever asks for it at the same time', async () => {
    const reports = await Promise.all(Array.from({ length: 5 }, () => hold('an audit')));
    expect(reports.filter(({ changed }) => changed)).toHaveLength(1);
    const ends = await Promise.all(Array.from({ length: 5 }, () => unhold()));
    expect(ends.filter(({ changed }) => changed)).toHaveLength(1);
    expect(await story()).toHaveLength(2);
  });

  it.each([
    [undefined, 'reason_missing'],
    ['  ', 'reason_missing'],
    ['a\u0000b', 'invalid_reason'],
    ['x'.repeat(1001), 'invalid_reason'],
  ])('wants a reason one can read, and %j is none', async (reason, code) => {
    await expect(hold(reason)).rejects.toMatchObject({ kind: 'invalid', code });
    expect(await story()).toEqual([]);
  });

  it('is of a quarter there is', async () => {
    await expect(hold('an audit', '1999q1')).rejects.toMatchObject({ code: 'no_such_quarter' });
    await expect(unhold('1999q1')).rejects.toMatchObject({ code: 'no_such_quarter' });
  });

  it('comes too late for one that is dropped, and says that its archive stays', async () => {
    const set = house.database.write.updateTable('quartermaster.quarters').set({ state: 'dropped' });
    await set.where('quarter', '=', '2025q1').execute();
    await expect(hold('an audit')).rejects.toMatchObject({
      code: 'quarter_state',
      detail: expect.stringContaining('archive'),
    });
  });
});
