import fc from 'fast-check';
import { validate, version } from 'uuid';
import { describe, expect, it } from 'vitest';
import { createIds, instantOf } from '../../src/core/id.ts';

const instants = fc.date({
  min: new Date(0),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
});

describe('transaction ids', () => {
  it('are version 7 UUIDs that give their millisecond back', () => {
    fc.assert(
      fc.property(instants, (createdAt) => {
        const id = createIds()(createdAt);
        expect([validate(id), version(id)]).toEqual([true, 7]);
        expect(instantOf(id)).toEqual(createdAt);
        expect(instantOf(id.toUpperCase())).toEqual(createdAt);
      }),
    );
  });

  it('sort by createdAt, then in the order they were made, however the instants jump', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5), { maxLength: 300 }), (milliseconds) => {
        const next = createIds();
        const made = milliseconds.map((ms) => ({ ms, id: next(new Date(1_700_000_000_000 + ms)) }));
        // Sorting is stable: it keeps the order of making within a millisecond.
        const byInstant = made.toSorted((a, b) => a.ms - b.ms).map(({ id }) => id);
        expect(byInstant.toSorted()).toEqual(byInstant);
      }),
    );
  });

  it('keep order and stay unique for many thousands in one millisecond', () => {
    const next = createIds();
    const createdAt = new Date('2026-03-31T23:59:59.999Z');
    const ids = Array.from({ length: 100_000 }, () => next(createdAt));
    expect(ids.findIndex((id, index) => index > 0 && id <= (ids[index - 1] ?? ''))).toBe(-1);
    expect(instantOf(ids.at(-1) ?? '')).toEqual(createdAt);
  });

  it('of two generators differ', () => {
    const [one, other] = [createIds(), createIds()];
    const createdAt = new Date(0);
    const ids = new Set(Array.from({ length: 1000 }, () => [one(createdAt), other(createdAt)]).flat());
    expect(ids.size).toBe(2000);
  });

  it('are refused for instants that a version 7 cannot hold', () => {
    const next = createIds();
    expect(() => next(new Date(-1))).toThrow(/before_epoch.*1969-12-31T23:59:59\.999Z/);
    expect(() => next(new Date(Number.NaN))).toThrow(/invalid_instant/);
    expect(() => next(new Date(2 ** 48))).toThrow(/invalid_instant/);
    expect(instantOf(next(new Date(2 ** 48 - 1)))).toEqual(new Date(2 ** 48 - 1));
  });

  it('are not read out of anything else', () => {
    const others = ['', 'x', '00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'];
    for (const id of [...others, crypto.randomUUID(), `${createIds()(new Date(0))} `]) {
      expect(instantOf(id)).toBeUndefined();
    }
  });
});
