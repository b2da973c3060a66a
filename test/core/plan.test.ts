import { describe, expect, it } from 'vitest';
import type { QuarterState } from '../../src/core/lifecycle.ts';
import type { FoundPartition } from '../../src/core/partition.ts';
import { planQuarters, writableUntil } from '../../src/core/plan.ts';
import { compareQuarters } from '../../src/core/quarter.ts';
import type { KnownQuarter, Situation } from '../../src/core/situation.ts';
import { both, codes, NOW, names, partition, row, situation, tables, utc } from './plan-situations.ts';

describe('the plan of an empty database', () => {
  it('is the current quarter and those ahead, the current one first', () => {
    expect(names(planQuarters(situation()))).toEqual(['2026q2', '2026q3', '2026q4']);
    expect(names(planQuarters(situation({ premake: 0 })))).toEqual(['2026q2']);
  });

  it('reaches back to what is wanted, newest first', () => {
    const plan = planQuarters(situation({ premake: 1, wanted: { from: '2025q3', to: '2025q4' } }));
    expect(names(plan)).toEqual(['2026q2', '2026q3', '2026q1', '2025q4', '2025q3']);
    expect(plan.provision.every(({ create }) => create.length === tables.length)).toBe(true);
  });

  it('has nothing before the oldest quarter, and the quarter of the oldest day whole', () => {
    const wanted = { from: '2024q1', to: '2024q1' };
    const plan = planQuarters(situation({ oldest: new Date('2025-11-11T00:00:00Z'), wanted }));
    expect(names(plan).sort(compareQuarters)[0]).toBe('2025q4');
  });
});

describe('a plan', () => {
  const here = situation({ premake: 0 });
  const planOf = (changes: Partial<Situation>) => planQuarters({ ...here, ...changes });

  it('fills gaps between what is known', () => {
    const known = [row('2025q2', 'open'), row('2026q2', 'open')];
    const plan = planOf({ known, found: [...both('2025q2'), ...both('2026q2')] });
    expect(names(plan)).toEqual(['2026q1', '2025q4', '2025q3']);
    expect(plan.drift).toEqual([]);
  });

  it('creates only the table that is missing, and says that an open quarter had lost it', () => {
    const plan = planOf({ known: [row('2026q2', 'open')], found: [partition('entries', '2026q2')] });
    expect(plan.provision).toMatchObject([{ create: ['transactions'], replace: [] }]);
    expect(codes(plan)).toEqual(['partition_lost']);
  });

  it('registers a quarter that is whole and has no row', () => {
    expect(planOf({ found: both('2026q2') }).provision).toMatchObject([{ create: [], replace: [] }]);
  });

  it('replaces an empty leftover, and reports a table with rows instead', () => {
    const alone = { attachment: 'standalone', empty: true } as const;
    expect(planOf({ found: both('2026q2', alone) }).provision).toMatchObject([
      { create: [], replace: ['transactions', 'entries'] },
    ]);
    for (const changes of [{ empty: false }, { ours: false }, { fenced: true }]) {
      const plan = planOf({ found: both('2026q2', { ...alone, ...changes }) });
      expect(plan.provision).toEqual([]);
      expect(codes(plan)).toEqual(['stands_alone', 'stands_alone']);
    }
  });

  it('never makes a quarter again that has left', () => {
    for (const state of ['detached', 'dropped'] as const) {
      const plan = planOf({ known: [row('2026q1', state), row('2026q2', 'open')], found: both('2026q2') });
      expect(plan.provision).toEqual([]);
    }
  });

  it('brings a state row forward when all tables of an archived quarter have left, and not before', () => {
    const left = both('2025q4', { attachment: 'standalone', fenced: true });
    const known = [row('2025q4', 'archived'), row('2026q1', 'open'), row('2026q2', 'open')];
    const found = [...both('2026q1'), ...both('2026q2')];
    expect(planOf({ known, found: [...found, ...left] }).left).toEqual([
      { quarter: '2025q4', verb: 'detach' },
    ]);
    const half = [left[0] as FoundPartition, partition('entries', '2025q4', { fenced: true })];
    const plan = planOf({ known, found: [...found, ...half] });
    expect(plan.left).toEqual([]);
    expect(codes(plan)).toEqual(['detach_unfinished']);
    const restored = [row('2025q4', 'restored'), ...known.slice(1)];
    expect(planOf({ known: restored, found: [...found, ...left] }).left).toEqual([
      { quarter: '2025q4', verb: 'release' },
    ]);
    expect(codes(planOf({ known: restored, found: [...found, ...half] }))).toEqual(['release_unfinished']);
  });

  it('ends an interrupted detach', () => {
    const pending = both('2026q2', { attachment: 'detaching', fenced: true });
    expect(planOf({ known: [row('2026q2', 'archived')], found: pending }).finalize).toEqual(pending);
  });

  it('creates nothing where something else lies, but the other table', () => {
    const foreign = partition('entries', '2026q2', { name: 'entries_old', quarter: undefined });
    const plan = planOf({ found: [{ ...foreign, bounds: { from: undefined, to: undefined } }] });
    expect(plan.provision).toMatchObject([{ create: ['transactions'] }]);
    expect(codes(plan)).toEqual(['foreign_partition', 'range_occupied']);
    expect(plan.drift[1]?.detail).toContain('ledger.entries_old');
  });

  it('goes on beside an empty DEFAULT partition and stops at one with rows', () => {
    const fallback = partition('entries', '2026q2', {
      name: 'entries_default',
      quarter: undefined,
      bounds: 'default',
    });
    expect(planOf({ found: [{ ...fallback, empty: true }] }).provision).toMatchObject([{ create: tables }]);
    const plan = planOf({ found: [fallback] });
    expect(plan.provision).toMatchObject([{ create: ['transactions'] }]);
    expect(codes(plan)).toEqual(['default_partition', 'range_occupied']);
  });

  it.each<[string, QuarterState, Partial<FoundPartition>]>([
    [
      'bounds_differ',
      'open',
      { bounds: { from: utc.quarter('2026q1').start, to: utc.quarter('2026q1').end } },
    ],
    ['attached_again', 'detached', { fenced: true }],
    ['fence_missing', 'closed', {}],
    ['fence_missing', 'archived', {}],
    ['close_unfinished', 'open', { fenced: true }],
    ['fence_missing', 'restored', {}],
    ['restore_unfinished', 'dropped', { attachment: 'standalone' }],
    ['stands_after_drop', 'dropped', { attachment: 'standalone', ours: false }],
    ['stands_alone', 'closed', { attachment: 'standalone', fenced: true }],
  ])('reports %s of a quarter that is %s', (code, state, changes) => {
    const plan = planOf({ known: [row('2026q2', state)], found: both('2026q2', changes) });
    expect(codes(plan)).toEqual([code, code]);
    expect(plan.provision).toEqual([]);
  });

  it('finds nothing wrong with a restored quarter that is attached and fenced', () => {
    const plan = planOf({ known: [row('2026q2', 'restored')], found: both('2026q2', { fenced: true }) });
    expect(plan).toMatchObject({ provision: [], left: [], drift: [], finalize: [] });
  });

  it('reports tables that are gone from a quarter that should have them', () => {
    for (const state of ['closed', 'archived', 'detached', 'restored'] as const) {
      const plan = planOf({ known: [row('2026q2', state)] });
      expect(codes(plan)).toEqual(['partition_missing', 'partition_missing']);
      // Of one that was never archived there is nothing that a restore could read.
      const advice = state === 'closed' ? 'from a backup' : 'quarters restore 2026q2';
      expect(plan.drift[0]?.detail).toContain(advice);
    }
  });

  it('keeps stored bounds when the rules of the zone change, so that quarters still tile', () => {
    const { start, end } = utc.quarter('2026q2');
    const late = new Date(end.getTime() + 3_600_000);
    const known: KnownQuarter[] = [{ quarter: '2026q2', state: 'open', starts_at: start, ends_at: late }];
    const found = both('2026q2', { bounds: { from: start, to: late } });
    const plan = planQuarters(situation({ premake: 1, known, found }));
    expect(plan.provision).toMatchObject([{ quarter: { name: '2026q3', start: late } }]);
    expect(codes(plan)).toEqual(['zone_rules_changed']);
    const early = new Date(start.getTime() - 3_600_000);
    const moved: KnownQuarter[] = [{ quarter: '2026q2', state: 'open', starts_at: early, ends_at: end }];
    const before = planQuarters(situation({ known: moved, wanted: { from: '2026q1', to: '2026q1' } }));
    expect(before.provision.at(-1)).toMatchObject({ quarter: { name: '2026q1', end: early } });
  });
});

describe('writableUntil', () => {
  it('is the end of what all tables can take without a break', () => {
    const found = [...both('2026q2'), ...both('2026q3'), partition('entries', '2026q4')];
    expect(writableUntil(tables, found, NOW)).toEqual(utc.quarter('2026q3').end);
    expect(writableUntil(tables, [...found, ...both('2027q1')], NOW)).toEqual(utc.quarter('2026q3').end);
    expect(writableUntil(tables, both('2026q3'), NOW)).toEqual(NOW);
    expect(writableUntil(tables, both('2026q2', { fenced: true }), NOW)).toEqual(NOW);
    expect(writableUntil(tables, both('2026q2', { attachment: 'detaching' }), NOW)).toEqual(NOW);
  });
});
