import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PlannedQuarter, planSteps, type QuarterPolicy, startable } from '../../jobs/quarter-plan.ts';
import { type QuarterState, quarterStates, transitions } from '../../src/core/lifecycle.ts';
import { calendar, compareQuarters, nextName } from '../../src/core/quarter.ts';

const paris = calendar('Europe/Paris');
const auto: QuarterPolicy = {
  closeAfterDays: 10,
  onlineQuarters: 8,
  archiveQuarters: true,
  archiveApproval: 'auto',
};

function row(quarter: string, state: QuarterState, more: Partial<PlannedQuarter> = {}): PlannedQuarter {
  return {
    quarter,
    state,
    ends_at: paris.quarter(quarter).end,
    hold_reason: null,
    ...more,
  };
}

function plan(quarters: readonly PlannedQuarter[], now: string, policy: Partial<QuarterPolicy> = {}) {
  const { steps, withheld } = planSteps(quarters, new Date(now), paris, { ...auto, ...policy });
  return {
    steps: steps.map(({ quarter, verb }) => `${quarter} ${verb}`),
    withheld: withheld.map(({ quarter, why }) => `${quarter} ${why}`),
  };
}

describe('what policy allows', () => {
  it('is to close a quarter when the days of grace are over, counted from its end in the zone', () => {
    // 2026q2 ends at midnight in Paris, which is 22:00 in UTC.
    expect(plan([row('2026q2', 'open')], '2026-07-10T21:59:59Z').steps).toEqual([]);
    expect(plan([row('2026q2', 'open')], '2026-07-10T22:00:00Z').steps).toEqual(['2026q2 close']);
    expect(plan([row('2026q3', 'open')], '2026-07-10T22:00:00Z').steps).toEqual([]);
  });

  it('is to archive, verify and detach what is older than the newest quarters, the current one being the first', () => {
    const quarters = [row('2024q4', 'closed'), row('2024q3', 'closed'), row('2024q2', 'archived')];
    expect(plan(quarters, '2026-08-01T00:00Z').steps).toEqual([
      '2024q2 verify',
      '2024q2 detach',
      '2024q3 archive',
      '2024q3 verify',
      '2024q3 detach',
    ]);
    expect(plan(quarters, '2026-08-01T00:00Z', { onlineQuarters: 9 }).steps).toEqual([
      '2024q2 verify',
      '2024q2 detach',
    ]);
  });

  it('is to take a quarter all the way at once, and on from where it stands', () => {
    const archived = row('2020q2', 'archived');
    expect(plan([row('2020q1', 'open'), archived], '2026-08-01T00:00Z').steps).toEqual([
      '2020q1 close',
      '2020q1 archive',
      '2020q1 verify',
      '2020q1 detach',
      '2020q2 verify',
      '2020q2 detach',
    ]);
  });

  it('is to close a held quarter and nothing more, which is said', () => {
    const held = { hold_reason: 'litigation' };
    expect(plan([row('2020q1', 'open', held), row('2020q2', 'archived', held)], '2026-08-01T00:00Z')).toEqual(
      { steps: ['2020q1 close'], withheld: ['2020q1 held', '2020q2 held'] },
    );
  });

  it('is to close only, which is said, where archiving is switched off or a person must approve', () => {
    const quarters = [row('2020q1', 'closed'), row('2026q1', 'closed')];
    expect(plan(quarters, '2026-08-01T00:00Z', { archiveQuarters: false })).toEqual({
      steps: [],
      withheld: ['2020q1 switched_off'],
    });
    expect(plan(quarters, '2026-08-01T00:00Z', { archiveApproval: 'required' })).toEqual({
      steps: [],
      withheld: ['2020q1 approval_required'],
    });
  });

  it('is nothing for quarters that are planned, gone or restored', () => {
    const states = ['planned', 'detached', 'dropped', 'restored'] as const;
    const quarters = states.map((state, i) => row(nextName('2020q1', i), state));
    expect(plan(quarters, '2026-08-01T00:00Z')).toEqual({ steps: [], withheld: [] });
  });
});

describe('what can begin', () => {
  it('is the close of the oldest open quarter alone, and whatever waits for no close', () => {
    const quarters = [row('2020q1', 'closed'), row('2020q2', 'open'), row('2020q3', 'open')];
    const { steps } = planSteps(quarters, new Date('2026-08-01T00:00Z'), paris, auto);
    expect(startable(steps).map(({ quarter, verb }) => `${quarter} ${verb}`)).toEqual([
      '2020q1 archive',
      '2020q1 verify',
      '2020q1 detach',
      '2020q2 close',
      '2020q2 archive',
      '2020q2 verify',
      '2020q2 detach',
    ]);
  });
});

const arbitraryQuarters = fc
  .array(
    fc.record({
      index: fc.integer({ min: 0, max: 60 }),
      state: fc.constantFrom(...quarterStates),
      held: fc.boolean(),
    }),
    { maxLength: 30 },
  )
  .map((list) => {
    const named = new Map(list.map((one) => [nextName('2014q1', one.index), one]));
    return [...named].map(([quarter, { state, held }]) =>
      row(quarter, state, { hold_reason: held ? 'hold' : null }),
    );
  });
const arbitraryPolicy = fc.record({
  closeAfterDays: fc.integer({ min: 0, max: 366 }),
  onlineQuarters: fc.integer({ min: 1, max: 40 }),
  archiveQuarters: fc.boolean(),
  archiveApproval: fc.constantFrom('auto' as const, 'required' as const),
});
const arbitraryNow = fc.date({
  min: new Date('2014-01-01T00:00Z'),
  max: new Date('2029-01-01T00:00Z'),
  noInvalidDate: true,
});

describe('every plan', () => {
  it('can be carried out in its order, and then nothing is left to do', () => {
    fc.assert(
      fc.property(arbitraryQuarters, arbitraryNow, arbitraryPolicy, (quarters, now, policy) => {
        const rows = new Map(quarters.map((one) => [one.quarter, { ...one }]));
        for (const { quarter, verb } of planSteps(quarters, now, paris, policy).steps) {
          const one = rows.get(quarter);
          const { from, to } = transitions[verb];
          expect(from).toContain(one?.state);
          if (to !== undefined) rows.set(quarter, { ...(one as PlannedQuarter), state: to });
        }
        expect(planSteps([...rows.values()], now, paris, policy).steps).toEqual([]);
      }),
    );
  });

  it('leaves the newest quarters attached, and held ones and the future alone', () => {
    fc.assert(
      fc.property(arbitraryQuarters, arbitraryNow, arbitraryPolicy, (quarters, now, policy) => {
        const current = paris.quarterOf(now).name;
        const byName = new Map(quarters.map((one) => [one.quarter, one]));
        for (const { quarter, verb } of planSteps(quarters, now, paris, policy).steps) {
          const one = byName.get(quarter) as PlannedQuarter;
          expect(one.ends_at.getTime()).toBeLessThanOrEqual(now.getTime());
          if (verb === 'close') continue;
          expect(one.hold_reason).toBeNull();
          // So many quarters, the current one included, are newer.
          expect(compareQuarters(current, quarter)).toBeGreaterThanOrEqual(policy.onlineQuarters);
        }
      }),
    );
  });

  it('begins with one close at most, and never with a step whose close is still to come', () => {
    fc.assert(
      fc.property(arbitraryQuarters, arbitraryNow, arbitraryPolicy, (quarters, now, policy) => {
        const { steps } = planSteps(quarters, now, paris, policy);
        const first = startable(steps);
        const closes = first.filter(({ verb }) => verb === 'close');
        expect(closes).toEqual(steps.filter(({ verb }) => verb === 'close').slice(0, 1));
        for (const { quarter } of first) {
          const open = quarters.find((one) => one.quarter === quarter)?.state === 'open';
          expect(!open || closes[0]?.quarter === quarter).toBe(true);
        }
      }),
    );
  });
});
