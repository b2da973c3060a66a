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
  dropAfterDays: 30,
  dropQuarters: true,
};

function row(quarter: string, state: QuarterState, more: Partial<PlannedQuarter> = {}): PlannedQuarter {
  return {
    quarter,
    state,
    ends_at: paris.quarter(quarter).end,
    hold_reason: null,
    stale_reason: null,
    reopened_at: null,
    detached_at: null,
    restored_at: null,
    restored_until: null,
    approved: [],
    ...more,
  };
}

function plan(quarters: readonly PlannedQuarter[], now: string, policy: Partial<QuarterPolicy> = {}) {
  const { steps, withheld } = planSteps(quarters, new Date(now), paris, { ...auto, ...policy });
  return {
    steps: steps.map(({ quarter, verb }) => `${quarter} ${verb}`),
    withheld: withheld.map(({ quarter, verb, why }) => `${quarter} ${verb} ${why}`),
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
      { steps: ['2020q1 close'], withheld: ['2020q1 archive held', '2020q2 detach held'] },
    );
  });

  it('is to close only, which is said, where archiving is switched off or a person must approve', () => {
    const quarters = [row('2020q1', 'closed'), row('2026q1', 'closed')];
    expect(plan(quarters, '2026-08-01T00:00Z', { archiveQuarters: false })).toEqual({
      steps: [],
      withheld: ['2020q1 archive switched_off'],
    });
    expect(plan(quarters, '2026-08-01T00:00Z', { archiveApproval: 'required' })).toEqual({
      steps: [],
      withheld: ['2020q1 archive approval_required'],
    });
  });

  it('is nothing for quarters that are planned, gone or restored', () => {
    const states = ['planned', 'detached', 'dropped', 'restored'] as const;
    const quarters = states.map((state, i) => row(nextName('2020q1', i), state));
    expect(plan(quarters, '2026-08-01T00:00Z')).toEqual({ steps: [], withheld: [] });
  });
});

describe('what policy allows of a quarter that was reopened', () => {
  const reopened_at = new Date('2026-07-20T00:00Z');
  const stale = { stale_reason: '2020q1 was reopened' };

  it('is its close when the days of grace are over, counted from then', () => {
    const quarters = [row('2020q1', 'open', { reopened_at })];
    expect(plan(quarters, '2026-07-29T23:59:59Z').steps).toEqual([]);
    expect(plan(quarters, '2026-07-30T00:00Z', { onlineQuarters: 40 }).steps).toEqual(['2020q1 close']);
  });

  it('is no later close while it is open, which is said, and no archive of what is stale', () => {
    const quarters = [
      row('2020q1', 'open', { reopened_at }),
      row('2020q2', 'closed', stale),
      row('2020q3', 'closed'),
      row('2026q2', 'open'),
    ];
    expect(plan(quarters, '2026-07-25T00:00Z')).toEqual({
      steps: ['2020q3 archive', '2020q3 verify', '2020q3 detach'],
      withheld: ['2020q2 close earlier_open', '2026q2 close earlier_open'],
    });
  });

  it('is to close it and the stale ones after it, in order', () => {
    const quarters = [row('2020q2', 'closed', stale), row('2020q1', 'open', { reopened_at })];
    const online = { onlineQuarters: 40 };
    expect(plan(quarters, '2026-07-30T00:00Z', online).steps).toEqual(['2020q1 close', '2020q2 close']);
    const closed = [row('2020q1', 'closed'), row('2020q2', 'closed', stale)];
    expect(plan(closed, '2026-07-30T00:00Z', online).steps).toEqual(['2020q2 close']);
  });
});

describe('what policy allows of a detached quarter', () => {
  const now = '2026-08-01T00:00Z';
  const detached = (more: Partial<PlannedQuarter> = {}, days = 30) =>
    row('2020q1', 'detached', { detached_at: new Date(Date.parse(now) - days * 86_400_000), ...more });

  it('is the drop when its days are over, with a reason', () => {
    expect(plan([detached({}, 29.99)], now)).toEqual({ steps: [], withheld: [] });
    expect(plan([detached()], now).steps).toEqual(['2020q1 drop']);
    const { steps } = planSteps([detached()], new Date(now), paris, auto);
    expect(steps).toEqual([
      { quarter: '2020q1', verb: 'drop', reason: 'detached for 30 days (QM_DROP_AFTER_DAYS)' },
    ]);
  });

  it.each([
    ['held', { hold_reason: 'litigation' }, {}],
    ['was_restored', { restored_at: new Date('2021-01-01T00:00Z') }, {}],
    ['switched_off', {}, { dropQuarters: false }],
    ['approval_required', {}, { archiveApproval: 'required' as const }],
    ['approval_required', { approved: ['archive' as const] }, { archiveApproval: 'required' as const }],
  ])('is nothing where it is %s, which is said', (why, more, policy) => {
    expect(plan([detached(more)], now, policy)).toEqual({ steps: [], withheld: [`2020q1 drop ${why}`] });
  });

  it('is the drop where two people want it, or where only archiving is switched off', () => {
    const approved = { approved: ['drop' as const] };
    expect(plan([detached(approved)], now, { archiveApproval: 'required' }).steps).toEqual(['2020q1 drop']);
    expect(plan([detached()], now, { archiveQuarters: false }).steps).toEqual(['2020q1 drop']);
  });

  it('is nothing once it is back in a window that was made larger', () => {
    expect(plan([detached()], now, { onlineQuarters: 26 }).steps).toEqual(['2020q1 drop']);
    expect(plan([detached()], now, { onlineQuarters: 27 })).toEqual({ steps: [], withheld: [] });
  });
});

describe('what two people agreed on', () => {
  it('is archived, and needs nobody more to leave', () => {
    const required = { archiveApproval: 'required' as const };
    const approved = { approved: ['archive' as const] };
    const expected = ['2020q1 archive', '2020q1 verify', '2020q1 detach'];
    expect(plan([row('2020q1', 'closed', approved)], '2026-08-01T00:00Z', required).steps).toEqual(expected);
    const archived = [row('2020q1', 'archived')];
    expect(plan(archived, '2026-08-01T00:00Z', required).steps).toEqual(expected.slice(1));
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

const instants = { min: new Date('2013-01-01T00:00Z'), max: new Date('2029-01-01T00:00Z') };
const arbitraryNow = fc.date({ ...instants, noInvalidDate: true });
const maybe = <T>(some: fc.Arbitrary<T>) => fc.option(some, { nil: null });
const arbitraryQuarters = fc
  .array(
    fc.record({
      index: fc.integer({ min: 0, max: 60 }),
      state: fc.constantFrom(...quarterStates),
      hold_reason: maybe(fc.constant('hold')),
      stale_reason: maybe(fc.constant('reopened')),
      reopened_at: maybe(arbitraryNow),
      detached_at: maybe(arbitraryNow),
      restored_at: maybe(arbitraryNow),
      restored_until: maybe(arbitraryNow),
      approved: fc.subarray(['archive', 'drop'] as const),
    }),
    { maxLength: 30 },
  )
  .map((list) => {
    const named = new Map(list.map((one) => [nextName('2014q1', one.index), one]));
    return [...named].map(([quarter, { index: _, state, ...more }]) => row(quarter, state, more));
  });
const arbitraryPolicy = fc.record({
  closeAfterDays: fc.integer({ min: 0, max: 366 }),
  onlineQuarters: fc.integer({ min: 1, max: 40 }),
  dropAfterDays: fc.integer({ min: 0, max: 400 }),
  archiveQuarters: fc.boolean(),
  dropQuarters: fc.boolean(),
  archiveApproval: fc.constantFrom('auto' as const, 'required' as const),
});
const order: readonly string[] = Object.keys(transitions);

describe('every plan', () => {
  it('can be carried out in its order, and then nothing is left to do', () => {
    fc.assert(
      fc.property(arbitraryQuarters, arbitraryNow, arbitraryPolicy, (quarters, now, policy) => {
        const rows = new Map(quarters.map((one) => [one.quarter, { ...one }]));
        for (const { quarter, verb } of planSteps(quarters, now, paris, policy).steps) {
          const one = rows.get(quarter) as PlannedQuarter;
          const { from, to } = transitions[verb];
          const again = verb === 'close' && one.state === 'closed' && one.stale_reason !== null;
          if (!again) expect(from).toContain(one.state);
          if (verb === 'close') expect(earlierOpen(rows, quarter)).toEqual([]);
          const done = { close: { stale_reason: null, approved: [] }, detach: { detached_at: now } };
          if (to !== undefined) {
            rows.set(quarter, { ...one, ...done[verb as keyof typeof done], state: to });
          }
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
          expect(one.state).not.toBe('restored');
          if (verb === 'close') continue;
          expect(one.hold_reason).toBeNull();
          // So many quarters, the current one included, are newer.
          expect(compareQuarters(current, quarter)).toBeGreaterThanOrEqual(policy.onlineQuarters);
          if (verb === 'drop') expect(one.restored_at).toBeNull();
          if (policy.archiveApproval === 'required' && verb === 'archive') {
            expect([one.state, one.approved]).toEqual(['closed', expect.arrayContaining(['archive'])]);
          }
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

  it('holds each step once, in the order of a life, and is the same however the rows come', () => {
    fc.assert(
      fc.property(arbitraryQuarters, arbitraryNow, arbitraryPolicy, (quarters, now, policy) => {
        const result = planSteps(quarters, now, paris, policy);
        expect(planSteps(quarters.toReversed(), now, paris, policy)).toEqual(result);
        for (const [, steps] of Map.groupBy(result.steps, ({ quarter }) => quarter)) {
          const places = steps.map(({ verb }) => order.indexOf(verb));
          expect(places).toEqual([...new Set(places)].sort((a, b) => a - b));
        }
        for (const { quarter, verb, why } of result.withheld) {
          expect(result.steps.some((step) => step.quarter === quarter && step.verb === verb)).toBe(false);
          expect(why).not.toBe('');
        }
      }),
    );
  });
});

/** The quarters before this one that a close would still find open. */
function earlierOpen(rows: ReadonlyMap<string, PlannedQuarter>, quarter: string): string[] {
  return [...rows.values()]
    .filter((one) => compareQuarters(one.quarter, quarter) < 0)
    .filter(
      ({ state, stale_reason }) =>
        state === 'open' || state === 'planned' || (state === 'closed' && stale_reason !== null),
    )
    .map((one) => one.quarter);
}
