import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planSteps } from '../../jobs/quarter-plan.ts';
import { quarterStates } from '../../src/core/lifecycle.ts';
import { calendar as calendarOf } from '../../src/core/quarter.ts';
import type { QuarterFigures } from '../../src/db/figures.ts';
import { openSteps } from '../../src/main/figures-overdue.ts';
import { readConfig } from '../../src/platform/config.ts';

const calendar = calendarOf('UTC');
const config = (some: Record<string, string> = {}) =>
  readConfig({
    QM_DATABASE_URL: 'postgres://nowhere/none',
    QM_CLOSE_AFTER_DAYS: '10',
    QM_ONLINE_QUARTERS: '2',
    QM_DROP_AFTER_DAYS: '30',
    ...some,
  });

function quarter(state: QuarterFigures['state'], some: Partial<QuarterFigures> = {}): QuarterFigures {
  return {
    quarter: '2026q1',
    state,
    ends_at: new Date('2026-04-01T00:00:00Z'),
    ...{ hold_reason: null, stale_reason: null, reopened_at: null, closed_at: null, archived_at: null },
    ...{
      detached_at: null,
      restored_at: null,
      restored_until: null,
      freed_at: null,
      opened_at: null,
      asked: [],
    },
    ...some,
  };
}

const at = (text: string) => new Date(`${text}T00:00:00Z`);

/** The step that the quarter could take, as `verb since`. */
function stepOf(row: QuarterFigures, settings: Record<string, string> = {}): string[] {
  return openSteps([row], calendar, config(settings)).map(
    ({ verb, since }) => `${verb} ${since.toISOString().slice(0, 10)}`,
  );
}

describe('a quarter could have been', () => {
  it('closed some days after its end, or after it was reopened', () => {
    expect(stepOf(quarter('open'))).toEqual(['close 2026-04-11']);
    expect(stepOf(quarter('open', { reopened_at: at('2026-05-01') }))).toEqual(['close 2026-05-11']);
  });

  it('closed no earlier than it was there, as after an import of old years', () => {
    expect(stepOf(quarter('open', { opened_at: at('2031-05-05') }))).toEqual(['close 2031-05-05']);
    expect(stepOf(quarter('open', { opened_at: at('2025-05-05') }))).toEqual(['close 2026-04-11']);
  });

  it('closed anew since it was found stale', () => {
    const stale = { closed_at: at('2026-04-12'), stale_reason: 'reopened', freed_at: at('2026-06-06') };
    expect(stepOf(quarter('closed', stale))).toEqual(['close 2026-06-06']);
  });

  it('archived when it left the window, and not before it was closed', () => {
    expect(stepOf(quarter('closed', { closed_at: at('2026-04-12') }))).toEqual(['archive 2026-07-01']);
    expect(stepOf(quarter('closed', { closed_at: at('2026-08-08') }))).toEqual(['archive 2026-08-08']);
  });

  it('archived where an approval is missing, or where it is switched off', () => {
    const row = quarter('closed', { closed_at: at('2026-04-12') });
    expect(stepOf(row, { QM_ARCHIVE_APPROVAL: 'required' })).toEqual(['archive 2026-07-01']);
    expect(stepOf(row, { QM_ARCHIVE_QUARTERS: 'off' })).toEqual(['archive 2026-07-01']);
  });

  it('detached since it was archived, and dropped some days after its detach', () => {
    expect(stepOf(quarter('archived', { archived_at: at('2026-09-09') }))).toEqual(['detach 2026-09-09']);
    expect(stepOf(quarter('detached', { detached_at: at('2026-09-09') }))).toEqual(['drop 2026-10-09']);
  });

  it('nothing while it is held, and then since it is not', () => {
    const closed = { closed_at: at('2026-04-12') };
    expect(stepOf(quarter('closed', { ...closed, hold_reason: 'a court' }))).toEqual([]);
    expect(stepOf(quarter('closed', { ...closed, freed_at: at('2026-12-24') }))).toEqual([
      'archive 2026-12-24',
    ]);
  });

  it('nothing where it was restored, planned or dropped', () => {
    const detached = { detached_at: at('2026-09-09'), restored_at: at('2026-09-01') };
    expect(stepOf(quarter('detached', detached))).toEqual([]);
    expect(stepOf(quarter('planned'))).toEqual([]);
    expect(stepOf(quarter('dropped'))).toEqual([]);
  });

  it('what the plan would do now or says that it keeps from being done, and nothing else', () => {
    const day = fc
      .integer({ min: 0, max: 900 })
      .map((days) => new Date(Date.parse('2026-01-01') + days * 86_400_000));
    const maybe = fc.option(day);
    const rows = fc.record({
      state: fc.constantFrom(...quarterStates),
      hold_reason: fc.constantFrom(null, null, 'a court'),
      ...{ closed_at: maybe, archived_at: maybe, detached_at: maybe, restored_at: maybe, freed_at: maybe },
    });
    fc.assert(
      fc.property(rows, day, fc.boolean(), (some, now, archives) => {
        const row = quarter(some.state, some);
        const policy = { ...config(), archiveQuarters: archives };
        const { steps, withheld } = planSteps([{ ...row, approved: [] }], now, calendar, policy);
        // A quarter of which the plan does more than one step at once is counted by its first.
        const [first] = [...steps.filter(({ verb }) => verb !== 'verify'), ...withheld];
        const due = openSteps([row], calendar, policy).filter(({ since }) => since <= now);
        const meant = steps.length === 0 && ['held', 'was_restored'].includes(withheld[0]?.why ?? '');
        // What was only reached after that moment could not be gone on from.
        const reached = [row.closed_at, row.archived_at, row.detached_at, row.freed_at];
        const early = reached.some((one) => one !== null && one > now);
        if (first === undefined || meant) expect(due).toEqual([]);
        else if (!early) expect(due.map(({ verb }) => verb)).toEqual([first.verb]);
      }),
    );
  });
});
