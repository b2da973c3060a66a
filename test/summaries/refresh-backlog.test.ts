import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calendar } from '../../src/core/quarter.ts';
import { createBacklog } from '../../src/summaries/refresh-backlog.ts';

const { quarter } = calendar('UTC');
const day = (name: string, ledgerId = 1) => ({ ledgerId, day: name });
const named = ({ days }: { days: readonly { ledgerId: number; day: string }[] }) =>
  days.map(({ ledgerId, day: name }) => `${ledgerId} ${name}`);

describe('the backlog', () => {
  it('gives out the newest quarter first, and of it the newest days, and no quarter twice at a time', () => {
    const backlog = createBacklog();
    backlog.add([
      { quarter: quarter('2026q1'), days: [day('2026-01-01'), day('2026-01-02')] },
      { quarter: quarter('2026q3'), days: [day('2026-07-01'), day('2026-07-02'), day('2026-07-02', 2)] },
    ]);
    const newest = backlog.take(2);
    expect(newest && named(newest)).toEqual(['1 2026-07-02', '2 2026-07-02']);
    const old = backlog.take(2);
    expect(old && named(old)).toEqual(['1 2026-01-02', '1 2026-01-01']);
    expect(backlog.take(2)).toBeUndefined();
    if (newest) backlog.finish(newest);
    const rest = backlog.take(2);
    expect(rest && named(rest)).toEqual(['1 2026-07-01']);
  });

  it('puts what is found meanwhile before what waits, and forgets a quarter that is given up', () => {
    const backlog = createBacklog();
    backlog.add([{ quarter: quarter('2026q1'), days: [day('2026-01-01'), day('2026-01-02')] }]);
    backlog.add([{ quarter: quarter('2026q3'), days: [day('2026-07-01')] }]);
    const hot = backlog.take(1);
    expect(hot?.quarter.name).toBe('2026q3');
    backlog.giveUp(quarter('2026q1'));
    backlog.add([{ quarter: quarter('2026q1'), days: [day('2026-01-03')] }]);
    expect(backlog.take(1)).toBeUndefined();
    expect([backlog.quarters(), backlog.days()]).toEqual([0, 0]);
  });

  it('gives out every day once, whatever the sizes and however many lanes there are', () => {
    const days = fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 360 })), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(days, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (marked, sizes) => {
        const { dayOf, quarterOf } = calendar('UTC');
        const backlog = createBacklog();
        const wanted = new Set<string>();
        for (const [ledgerId, n] of marked) {
          const at = new Date(Date.UTC(2026, 0, 1 + n));
          wanted.add(`${ledgerId} ${dayOf(at)}`);
          backlog.add([{ quarter: quarterOf(at), days: [day(dayOf(at), ledgerId)] }]);
        }
        const given: string[] = [];
        const under: NonNullable<ReturnType<typeof backlog.take>>[] = [];
        for (let turn = 0; backlog.days() > 0 || under.length > 0; turn++) {
          const chunk = backlog.take(sizes[turn % sizes.length] as number);
          if (chunk !== undefined) {
            expect(under.map((one) => one.quarter.name)).not.toContain(chunk.quarter.name);
            under.push(chunk);
            given.push(...named(chunk));
          }
          const done = chunk === undefined || turn % 3 === 0 ? under.shift() : undefined;
          if (done !== undefined) backlog.finish(done);
        }
        expect(given.sort()).toEqual([...wanted].sort());
      }),
    );
  });
});
