import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { QuarterState } from '../../src/core/lifecycle.ts';
import { type FoundPartition, sameRange } from '../../src/core/partition.ts';
import { type Plan, planQuarters, writableUntil } from '../../src/core/plan.ts';
import { calendar, compareQuarters, nextName } from '../../src/core/quarter.ts';
import type { KnownQuarter, Situation } from '../../src/core/situation.ts';
import { partition, row, situation, tables } from './plan-situations.ts';

/** What the world looks like when the plan has been carried out. */
function carriedOut(before: Situation, plan: Plan): Situation {
  let found = before.found.map((one) =>
    plan.finalize.includes(one) ? { ...one, attachment: 'standalone' as const, bounds: undefined } : one,
  );
  let known = before.known.map((one) =>
    plan.left.some(({ quarter }) => quarter === one.quarter) ? { ...one, state: 'detached' as const } : one,
  );
  for (const { quarter, create, replace, whole } of plan.provision) {
    const bounds = { from: quarter.start, to: quarter.end };
    found = found.filter((one) => !(replace.includes(one.table) && one.quarter === quarter.name));
    found.push(
      ...[...create, ...replace].map((table) => ({
        ...partition(table, quarter.name, {}, before.calendar),
        bounds,
      })),
    );
    const was = known.find((one) => one.quarter === quarter.name)?.state;
    known = known.filter((one) => one.quarter !== quarter.name);
    const state = whole || was === 'open' ? ('open' as const) : ('planned' as const);
    known.push({ quarter: quarter.name, state, starts_at: quarter.start, ends_at: quarter.end });
  }
  return { ...before, found, known };
}

describe('whatever is found', () => {
  const zones = ['UTC', 'Africa/Monrovia', 'Asia/Kolkata', 'America/Havana'].map((zone) => calendar(zone));
  const state = fc.constantFrom<(QuarterState | undefined)[]>(
    undefined,
    'planned',
    'open',
    'closed',
    'archived',
    'detached',
    'dropped',
    'restored',
  );
  const deviation = fc.constantFrom<(Partial<FoundPartition> | 'missing' | undefined)[]>(
    undefined,
    undefined,
    'missing',
    { attachment: 'detaching', fenced: true },
    { attachment: 'standalone', empty: true },
    { attachment: 'standalone', fenced: true },
    { fenced: true },
    { bounds: { from: new Date('1971-05-05T00:00:00Z'), to: new Date('1972-02-02T00:00:00Z') } },
    { name: 'made_elsewhere', quarter: undefined },
  );
  const someSituation = fc
    .record({
      zone: fc.constantFrom(...zones),
      from: fc.integer({ min: -8, max: 3 }),
      life: fc.array(fc.tuple(state, deviation, deviation), { maxLength: 8 }),
      premake: fc.integer({ min: 0, max: 5 }),
      now: fc.date({
        min: new Date('1971-01-01T00:00:00Z'),
        max: new Date('2037-12-31T00:00:00Z'),
        noInvalidDate: true,
      }),
      oldest: fc.date({
        min: new Date('1968-01-01T00:00:00Z'),
        max: new Date('2037-12-31T00:00:00Z'),
        noInvalidDate: true,
      }),
    })
    .map(({ zone, from, life, premake, now, oldest }): Situation => {
      const first = nextName(zone.quarterOf(now).name, from);
      const known: KnownQuarter[] = [];
      const found: FoundPartition[] = [];
      for (const [i, [its, ...deviations]] of life.entries()) {
        const name = nextName(first, i);
        if (its !== undefined) known.push(row(name, its, zone));
        for (const [t, changes] of deviations.entries()) {
          const there = its !== undefined && its !== 'planned' && its !== 'dropped';
          if (changes === 'missing' || (changes === undefined && !there)) continue;
          found.push(partition(tables[t] as string, name, changes, zone));
        }
      }
      return situation({ calendar: zone, now, oldest, premake, known, found });
    });
  const check = (property: (given: Situation) => void) =>
    fc.assert(fc.property(someSituation, property), { numRuns: 1000 });

  it('a plan that was carried out plans nothing more', () => {
    check((given) => {
      const first = carriedOut(given, planQuarters(given));
      // Once a detach has ended, its quarter may turn out to have left.
      const second = carriedOut(first, planQuarters(first));
      const { finalize, provision, left } = planQuarters(second);
      expect({ finalize, provision, left }).toEqual({ finalize: [], provision: [], left: [] });
    });
  });

  it('nothing is created over another partition, before the oldest quarter, or again', () => {
    check((given) => {
      const states = new Map(given.known.map((one) => [one.quarter, one.state]));
      const oldest = given.calendar.quarterOf(given.oldest).name;
      for (const { quarter, create, replace } of planQuarters(given).provision) {
        expect(['planned', 'open', undefined]).toContain(states.get(quarter.name));
        if (states.get(quarter.name) !== 'open' && create.length + replace.length > 0)
          expect(compareQuarters(quarter.name, oldest)).toBeGreaterThanOrEqual(0);
        for (const { table, bounds } of given.found) {
          if (!create.includes(table) || bounds === undefined || bounds === 'default') continue;
          const apart = (bounds.to as Date) <= quarter.start || (bounds.from as Date) >= quarter.end;
          expect(apart).toBe(true);
        }
      }
    });
  });

  it('a quarter opens only when every table has its partition, and exactly its bounds', () => {
    check((given) => {
      const plan = planQuarters(given);
      const { found } = carriedOut(given, plan);
      for (const { quarter, whole } of plan.provision) {
        const right = tables.filter((table) =>
          found.some(
            (one) =>
              one.table === table &&
              one.quarter === quarter.name &&
              one.attachment === 'attached' &&
              sameRange(one.bounds, quarter),
          ),
        );
        expect(right.length === tables.length).toBe(whole);
      }
    });
  });

  it('created quarters tile: each begins where the one before it ends', () => {
    check((given) => {
      const { known } = carriedOut(given, planQuarters(given));
      const rows = [...known].sort((a, b) => compareQuarters(a.quarter, b.quarter));
      for (const [i, one] of rows.entries()) {
        const before = rows[i - 1];
        if (before !== undefined && nextName(before.quarter) === one.quarter)
          expect(one.starts_at).toEqual(before.ends_at);
      }
    });
  });

  it('only a quarter that is archived or restored, and has no table attached any more, is said to have left', () => {
    check((given) => {
      const states = new Map(given.known.map((one) => [one.quarter, one.state]));
      for (const { quarter, verb } of planQuarters(given).left) {
        expect(states.get(quarter)).toBe(verb === 'detach' ? 'archived' : 'restored');
        const mine = given.found.filter((one) => one.quarter === quarter);
        expect(mine.map(({ attachment }) => attachment)).toEqual(tables.map(() => 'standalone'));
      }
    });
  });

  it('afterwards writes are safe for all quarters ahead, unless a drift says why not', () => {
    check((given) => {
      const plan = planQuarters(given);
      const { found } = carriedOut(given, plan);
      const current = given.calendar.quarterOf(given.now);
      const ahead = given.calendar.next(current, given.premake);
      const young = given.oldest < current.end;
      const written = given.known.some(
        ({ quarter, state }) =>
          compareQuarters(quarter, current.name) >= 0 && state !== 'open' && state !== 'planned',
      );
      if (plan.drift.length + plan.finalize.length > 0 || !young || written) return;
      expect(writableUntil(tables, found, given.now).getTime()).toBeGreaterThanOrEqual(ahead.end.getTime());
    });
  });
});
