import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { closeQuarter } from '../../src/quarters/close.ts';
import type { QuarterHouse, QuarterRun } from '../../src/quarters/context.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { advance, readQuarter } from '../../src/quarters/registry.ts';
import { reopenQuarter } from '../../src/quarters/reopen.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { eventsOf, type HouseOptions, openHouse, run, standing } from './support.ts';
import { bookPayments, createLedger } from './support-ledger.ts';
import { runVerb } from './support-process.ts';

let home: TestDatabase;
let house: QuarterHouse;
const options: HouseOptions = { premake: 1, now: '2025-11-11T00:00:00Z' };
const ann = { actor: 'ann', reason: 'late invoice' };
const at = (text: string) => new Date(text);
const stand = async (quarter: string) =>
  (await standing(house.database.direct)).find((line) => line.startsWith(quarter))?.slice(quarter.length + 1);
const [closed, open] = ['closed: attached fenced, attached fenced', 'open: attached, attached'];

/** The second quarter of 2025 is closed, the third over. */
beforeEach(async () => {
  home = await createDatabase();
  house = openHouse(home.url, options);
  await ensureQuarters(house, run, at('2025-04-01T00:00:00Z'), at('2025-11-11T00:00:00Z'));
  const ledger = await createLedger(house.database.write, 'a', 3);
  for (const [start, end] of [
    ['2025-04-01', '2025-07-01'],
    ['2025-07-01', '2025-10-01'],
  ] as const)
    await bookPayments(house.database.write, ledger, { start: at(start), end: at(end), transactions: 10 });
  await closeQuarter(house, run, '2025q2');
});

afterEach(async () => {
  await house?.database.close();
  await home?.drop();
});

/** A run that does something when it comes to a step, once. */
function runWith(step: string, action: () => Promise<unknown>): QuarterRun {
  let done = false;
  return {
    ...ann,
    step: async (name) => {
      if (name !== step || done) return;
      done = true;
      await action();
    },
  };
}

/** Returns when some session of this database waits for a row that another one holds. */
async function somebodyWaits(): Promise<void> {
  for (let waiting = 0; waiting === 0; ) {
    const { rows } = await sql<{ n: number }>`
      SELECT count(*)::int AS n FROM pg_stat_activity
      WHERE wait_event_type = 'Lock' AND datname = current_database()`.execute(house.database.read);
    waiting = rows[0]?.n ?? 0;
  }
}

const archive = (quarter: string) =>
  house.database.write
    .transaction()
    .execute((trx) => advance(trx, quarter, 'archive', run, { archived_at: house.clock.now() }));

describe('a reopen and', () => {
  it('another of the same quarter: it is reopened once', async () => {
    const task = { url: home.url, house: options, verb: 'reopen', quarter: '2025q2' } as const;
    const outcomes = await Promise.all([runVerb(task), runVerb(task), runVerb(task)]);
    const reports = outcomes.map(({ said }) => said[0] as { reopened?: boolean; failed?: string });
    expect(reports.filter(({ reopened }) => reopened)).toHaveLength(1);
    for (const { reopened, failed } of reports)
      expect([true, false, 'quarter_busy']).toContain(reopened ?? failed);
    expect(await eventsOf(house.database.direct, '2025q2')).toEqual(['create', 'close', 'reopen']);
    expect(await stand('2025q2')).toBe(open);
  });

  it('a close of the same quarter: one of them works, the other is told', async () => {
    const reopening = runWith('close.fenced', () =>
      expect(reopenQuarter(house, ann, '2025q3')).rejects.toMatchObject({ code: 'quarter_busy' }),
    );
    expect(await closeQuarter(house, reopening, '2025q3')).toMatchObject({ closed: true });
  });

  it.each(['close.fenced', 'close.begun', 'close.balanced'])(
    'a close of the next quarter that has come to %s: the close is given up',
    async (step) => {
      const closing = closeQuarter(
        house,
        runWith(step, () => reopenQuarter(house, ann, '2025q2')),
        '2025q3',
      );
      await expect(closing).rejects.toMatchObject({ kind: 'refused', code: 'earlier_quarter_open' });
      for (const quarter of ['2025q2', '2025q3']) expect(await stand(quarter)).toBe(open);
      for (const quarter of ['2025q2', '2025q3']) await closeQuarter(house, run, quarter);
    },
  );

  it('a close of the next quarter whose openings were read before: it is to be tried again', async () => {
    const meanwhile = async () => {
      await reopenQuarter(house, ann, '2025q2');
      await closeQuarter(house, run, '2025q2');
    };
    const closing = closeQuarter(house, runWith('close.balanced', meanwhile), '2025q3');
    await expect(closing).rejects.toMatchObject({ kind: 'busy', code: 'quarter_busy' });
    expect(await stand('2025q3')).toBe(open);
    expect(await closeQuarter(house, run, '2025q3')).toMatchObject({ closed: true });
  });

  it('a close of the next quarter that is all but done: the reopen waits for it and finds it closed', async () => {
    let reopening: Promise<unknown> | undefined;
    const late = runWith('close.ordered', async () => {
      reopening = reopenQuarter(house, ann, '2025q2');
      await Promise.race([somebodyWaits(), reopening]);
    });
    await closeQuarter(house, late, '2025q3');
    expect(await reopening).toMatchObject({ reopened: true, stale: ['2025q3'] });
    expect((await readQuarter(house.database.write, '2025q3')).stale_reason).toContain('late invoice');
    expect(await stand('2025q3')).toBe(closed);
  });

  it('an archive of the next quarter that comes first: nothing is reopened', async () => {
    await closeQuarter(house, run, '2025q3');
    let reopening: Promise<unknown> | undefined;
    await house.database.write.transaction().execute(async (trx) => {
      await advance(trx, '2025q3', 'archive', run, { archived_at: house.clock.now() });
      reopening = expect(reopenQuarter(house, ann, '2025q2')).rejects.toMatchObject({
        code: 'later_quarter_archived',
      });
      await somebodyWaits();
    });
    await reopening;
    expect(await stand('2025q2')).toBe(closed);
    expect(await eventsOf(house.database.direct, '2025q2')).toEqual(['create', 'close']);
  });

  it('an archive of the next quarter that comes second: it is not archived', async () => {
    await closeQuarter(house, run, '2025q3');
    let archiving: Promise<unknown> | undefined;
    const slow = runWith('reopen.recorded', async () => {
      archiving = expect(archive('2025q3')).rejects.toMatchObject({ code: 'quarter_stale' });
      await somebodyWaits();
    });
    await reopenQuarter(house, slow, '2025q2');
    await archiving;
    expect(await stand('2025q3')).toBe(closed);
  });

  it('a reopen of the next quarter: both are open, and nothing is left stale', async () => {
    await closeQuarter(house, run, '2025q3');
    await Promise.all(['2025q3', '2025q2'].map((quarter) => reopenQuarter(house, ann, quarter)));
    for (const quarter of ['2025q2', '2025q3']) {
      expect(await stand(quarter)).toBe(open);
      expect((await readQuarter(house.database.write, quarter)).stale_reason).toBeNull();
    }
  });
});

describe('a stale quarter', () => {
  it('is closed again once, however many want it', async () => {
    await closeQuarter(house, run, '2025q3');
    await reopenQuarter(house, ann, '2025q2');
    await closeQuarter(house, run, '2025q2');
    const task = { url: home.url, house: options, verb: 'close', quarter: '2025q3' } as const;
    const outcomes = await Promise.all([runVerb(task), runVerb(task), runVerb(task)]);
    const reports = outcomes.map(({ said }) => said[0] as { closed?: boolean; failed?: string });
    expect(reports.filter((report) => report.closed)).toHaveLength(1);
    for (const report of reports)
      expect([true, false, 'quarter_busy']).toContain(report.closed ?? report.failed);
    expect(await eventsOf(house.database.direct, '2025q3')).toEqual(['create', 'close', 'stale', 'close']);
    expect(await stand('2025q3')).toBe(closed);
  });
});
