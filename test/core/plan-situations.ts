import type { QuarterState } from '../../src/core/lifecycle.ts';
import type { FoundPartition } from '../../src/core/partition.ts';
import type { Plan } from '../../src/core/plan.ts';
import { calendar } from '../../src/core/quarter.ts';
import type { KnownQuarter, Situation } from '../../src/core/situation.ts';

/** What plans are made of in tests: two tables, in UTC unless another calendar is given, on a day in 2026q2. */
export const tables = ['transactions', 'entries'];
export const utc = calendar('UTC');
export const NOW = new Date('2026-05-05T12:00:00Z');

export function situation(changes: Partial<Situation> = {}): Situation {
  return {
    tables,
    found: [],
    known: [],
    calendar: utc,
    now: NOW,
    premake: 2,
    oldest: new Date('2000-01-01T00:00:00Z'),
    ...changes,
  };
}

export function row(quarter: string, state: QuarterState, zone = utc): KnownQuarter {
  const { start, end } = zone.quarter(quarter);
  return { quarter, state, starts_at: start, ends_at: end };
}

export function partition(
  table: string,
  quarter: string,
  changes: Partial<FoundPartition> = {},
  zone = utc,
): FoundPartition {
  const { start, end } = zone.quarter(quarter);
  const alone = changes.attachment === 'standalone';
  return {
    table,
    schema: 'ledger',
    name: `${table}_${quarter}`,
    quarter,
    attachment: 'attached',
    bounds: alone ? undefined : { from: start, to: end },
    ours: true,
    fenced: false,
    empty: false,
    ...changes,
  };
}

export function both(quarter: string, changes: Partial<FoundPartition> = {}, zone = utc): FoundPartition[] {
  return tables.map((table) => partition(table, quarter, changes, zone));
}

export const names = (plan: Plan) => plan.provision.map(({ quarter }) => quarter.name);
export const codes = (plan: Plan) => plan.drift.map(({ code }) => code);
