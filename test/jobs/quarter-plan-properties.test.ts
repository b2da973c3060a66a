import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PlannedQuarter, planSteps, startable } from '../../jobs/quarter-plan.ts';
import { quarterStates, transitions } from '../../src/core/lifecycle.ts';
import { compareQuarters, nextName } from '../../src/core/quarter.ts';
import { paris, row } from './planned.ts';

const instants = { min: new Date('2013-01-01T00:00Z'), max: new Date('2029-01-01T00:00Z') };
const arbitraryNow = fc.date({ ...instants, noInvalidDate: true });
const maybe = <T>(some: fc.Arbitrary<T>) => fc.oneof(fc.constant(null), some);
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
      { numRuns: 1000 },
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
