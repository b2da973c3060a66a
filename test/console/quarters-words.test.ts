import { describe, expect, it } from 'vitest';
import {
  byYear,
  dayWords,
  nextName,
  periodOf,
  untilWords,
  whenOf,
} from '../../src/console/page/quarters/calendar.ts';
import { tell } from '../../src/console/page/quarters/event-words.ts';
import { durationWords, Paces, paceOf } from '../../src/console/page/quarters/pace.ts';
import { progressWords } from '../../src/console/page/quarters/progress-words.ts';
import type { Next, Quarter } from '../../src/console/page/quarters/types.ts';
import { leavingWords, nextWords, standing } from '../../src/console/page/quarters/words.ts';
import { aQuarter } from './quarter-facts.ts';

const NOW = Date.parse('2026-11-26T12:00:00Z');

describe('days of a quarter', () => {
  const first = aQuarter({ starts_at: '2025-12-31T23:00:00.000Z', ends_at: '2026-03-31T22:00:00.000Z' });

  it('are said in the zone of the ledger, and its end is the day before the midnight', () => {
    expect(periodOf(first, 'Europe/Paris')).toBe('1 Jan to the end of 31 Mar 2026');
    expect(untilWords(first.ends_at, 'Europe/Paris')).toBe('the end of 31 Mar 2026');
    expect(untilWords(first.ends_at, 'UTC')).toBe('31 Mar 2026, 22:00');
    expect(dayWords('2027-01-08T23:30:00Z', 'Europe/Paris')).toBe('9 Jan 2027');
  });

  it('lie behind, around or ahead of an instant, its end excluded', () => {
    expect(whenOf(first, Date.parse(first.ends_at))).toBe('past');
    expect(whenOf(first, Date.parse(first.ends_at) - 1)).toBe('present');
    expect(whenOf(first, Date.parse(first.starts_at))).toBe('present');
    expect(whenOf(first, Date.parse(first.starts_at) - 1)).toBe('future');
  });

  it('are grouped by year in their order, and go on over its end', () => {
    const some = ['2025q4', '2026q1', '2026q2'].map((quarter) => ({ quarter }));
    expect(byYear(some)).toEqual([
      { year: '2025', quarters: [{ quarter: '2025q4' }] },
      { year: '2026', quarters: [{ quarter: '2026q1' }, { quarter: '2026q2' }] },
    ]);
    expect(nextName('2026q4')).toBe('2027q1');
    expect(nextName('2026q1')).toBe('2026q2');
  });
});

describe('what comes next', () => {
  const next = (next: Next, rest: Partial<Quarter> = {}) =>
    nextWords(aQuarter({ ...rest, next }), 'UTC', NOW);

  it('says what, when, and what keeps it from being done by itself', () => {
    const at = '2027-01-09T00:00:00.000Z';
    expect(next({ verb: 'archive', at, withheld: null })).toBe('archive by itself from 9 Jan 2027');
    expect(next({ verb: 'archive', at, withheld: 'approval_required' })).toBe(
      'archive from 9 Jan 2027; takes two people',
    );
    expect(next({ verb: 'detach', at, withheld: 'held' })).toBe(
      'detach from 9 Jan 2027; not while it is held',
    );
    expect(next({ verb: 'release', at, withheld: null })).toBe(
      'taken out again by itself at the end of 8 Jan 2027',
    );
  });

  it('says of what is due whether it begins or whom it waits for', () => {
    const at = '2026-11-01T00:00:00.000Z';
    expect(next({ verb: 'close', at, withheld: null })).toBe('close is due and begins by itself');
    expect(
      next({ verb: 'archive', at, withheld: 'approval_required' }, { awaiting_approval: ['archive'] }),
    ).toBe('archive; waits for a second person');
    expect(next({ verb: 'drop', at, withheld: 'was_restored' })).toMatch(
      /^drop is due; not by itself, for it was restored/,
    );
  });

  it('does not forget what was asked for besides', () => {
    const at = '2027-01-09T00:00:00.000Z';
    expect(next({ verb: 'close', at, withheld: null }, { awaiting_approval: ['drop'] })).toBe(
      'close by itself from 9 Jan 2027; drop was asked for and waits for a second person',
    );
    expect(next(null, { state: 'dropped' })).toBeUndefined();
  });

  it('is told apart for an open quarter that is to come, that is now, and that is over', () => {
    const open = (starts_at: string, ends_at: string) =>
      standing(aQuarter({ state: 'open', starts_at, ends_at }), 'UTC', NOW);
    expect(open('2027-01-01T00:00:00Z', '2027-04-01T00:00:00Z')).toMatch(/made ready/);
    expect(open('2026-10-01T00:00:00Z', '2027-01-01T00:00:00Z')).toMatch(/until the end of 31 Dec 2026/);
    expect(open('2026-07-01T00:00:00Z', '2026-10-01T00:00:00Z')).toMatch(
      /ended at the end of 30 Sept 2026 and is not closed/,
    );
  });
});

describe('what an archive is followed by', () => {
  const followed = (next: Next) => leavingWords(aQuarter({ next }), 'UTC', NOW);
  const archive = (at: string, withheld: string | null = null) => followed({ verb: 'archive', at, withheld });

  it('is that the schedule takes the quarter out: at once where that was due before, or when it is', () => {
    expect(archive('2026-11-26T12:00:00.000Z')).toMatch(
      /^Afterwards the schedule detaches 2026q1 by itself, at its next look, .* Hold it first/,
    );
    expect(archive('2026-11-26T12:00:00.001Z')).toMatch(
      /by itself, from 26 Nov 2026 on: it leaves the ledger/,
    );
    // The archive takes two people; what comes after it does not.
    expect(archive('2027-01-09T00:00:00.000Z', 'approval_required')).toMatch(/from 9 Jan 2027 on/);
  });

  it('is nothing where it does not leave by itself, or is not archived next', () => {
    const at = '2026-11-01T00:00:00.000Z';
    expect(archive(at, 'held')).toBeUndefined();
    expect(archive(at, 'switched_off')).toBeUndefined();
    expect(followed({ verb: 'detach', at, withheld: null })).toBeUndefined();
    expect(followed(null)).toBeUndefined();
  });
});

describe('how quickly a job goes', () => {
  it('is known from two marks on, and says how long it takes yet', () => {
    expect(paceOf([{ at: 0, done: 100 }], 1000)).toBeUndefined();
    const marks = [
      { at: 0, done: 100 },
      { at: 10_000, done: 600 },
    ];
    expect(paceOf(marks, 1000)).toEqual({ rate: 50, left: 8 });
    expect(paceOf(marks, undefined)).toEqual({ rate: 50, left: undefined });
    expect(
      paceOf(
        [
          { at: 0, done: 5 },
          { at: 9, done: 5 },
        ],
        10,
      ),
    ).toBeUndefined();
  });

  it('begins anew with what the job does next, and forgets how slowly it began', () => {
    const paces = new Paces();
    const at = (seconds: number) => new Date(seconds * 1000).toISOString();
    paces.note('a', 'copy, in rows', 0, at(0));
    paces.note('a', 'copy, in rows', 1000, at(10));
    expect(paces.of('a', 2000)).toEqual({ rate: 100, left: 10 });
    // The same answer once more changes nothing.
    paces.note('a', 'copy, in rows', 1000, at(10));
    expect(paces.of('a', 2000)?.rate).toBe(100);
    paces.note('a', 'read back, in bytes', 500, at(11));
    expect(paces.of('a', 2000)).toBeUndefined();
    for (let i = 1; i <= 60; i++)
      paces.note('a', 'read back, in bytes', 500 + i * (i < 30 ? 1 : 100), at(11 + i));
    expect(paces.of('a', undefined)?.rate).toBeCloseTo(100);
  });

  it('is said in the unit that it counts in', () => {
    const pace = { rate: 1234.5, left: 130 };
    expect(progressWords({ what: 'copy 2024q1, in rows', done: 5000, total: 20_000 }, pace)).toEqual({
      doing: 'copy 2024q1',
      far: '5,000 of 20,000 rows',
      pace: '1,235 rows a second, about 2 minutes to go',
    });
    expect(progressWords({ what: 'read 2024q1 back, in bytes', done: 1536, total: 3072 }, undefined)).toEqual(
      {
        doing: 'read 2024q1 back',
        far: '1.5 KiB of 3.0 KiB',
        pace: undefined,
      },
    );
    expect(progressWords({ what: 'summaries', done: 2, total: 7 }, pace)).toEqual({
      doing: 'summaries',
      far: 'step 3 of 7',
      pace: undefined,
    });
    expect([3, 42, 61, 3540, 3700, 9000].map(durationWords)).toEqual([
      'a few seconds',
      'about 45 seconds',
      'about a minute',
      'about 59 minutes',
      'about an hour',
      'about 2 hours and 30 minutes',
    ]);
  });
});

describe('an event of the story', () => {
  it('is told in words, with what came of it', () => {
    const close = { transactions: 621, entries: 1264, accounts: 620, digest: 'a'.repeat(64), checks: [] };
    expect(tell('close', close, 'UTC')).toMatchObject({
      title: 'closed',
      tone: 'good',
      says: ['621 transactions', '1,264 entries', '620 accounts moved', `content ${'a'.repeat(16)}…`],
    });
    const checks = [
      { name: 'sums', ok: true, detail: 'fine' },
      { name: 'balances', ok: false, detail: 'user-1:WALLET is off by 3' },
    ];
    expect(tell('close_refused', { checks }, 'UTC')).toMatchObject({
      tone: 'bad',
      says: ['balances: user-1:WALLET is off by 3'],
    });
    expect(tell('restore', { until: '2026-12-11T00:00:00Z', loaded: ['entries'] }, 'UTC').says).toEqual([
      'until the end of 10 Dec 2026',
      'from the archive: entries',
    ]);
    expect(tell('approve', { verb: 'drop', requested_by: 'finn' }, 'UTC')).toMatchObject({
      title: 'drop approved',
      says: ['finn had asked for it'],
    });
  });

  it('is told by its names where nobody knew of it when this was written', () => {
    expect(tell('something_new', { how_many: 3, tables: ['a', 'b'] }, 'UTC')).toEqual({
      title: 'something new',
      says: ['how many: 3', 'tables: a, b'],
      tone: 'plain',
    });
  });
});
