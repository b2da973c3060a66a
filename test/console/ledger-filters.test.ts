import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAllIn } from '../../src/console/page/ledger/archived.ts';
import { chartAddress, fitting, readChartQuery } from '../../src/console/page/ledger/chart-query.ts';
import {
  changed,
  type Filters,
  isNarrowed,
  readFilters,
  searchAddress,
  toApiQuery,
  without,
  writeFilters,
} from '../../src/console/page/ledger/filters.ts';

const queryOf = (address: string) => new URL(address, 'http://house').searchParams;

describe('days that are asked for', () => {
  const days = (from?: string, to?: string): Filters => ({ ...(from && { from }), ...(to && { to }) });

  it('are archived when each lies in one of the quarters, and not when one does not or no end is given', () => {
    const archived = ['2024q3', '2024q4', '2025q2'];
    expect(isAllIn(archived, days('2024-07-01', '2024-12-31'))).toBe(true);
    expect(isAllIn(archived, days('2024-08-01', '2024-08-01'))).toBe(true);
    expect(isAllIn(archived, days('2024-06-30', '2024-12-31'))).toBe(false);
    expect(isAllIn(archived, days('2024-07-01', '2025-01-01'))).toBe(false);
    expect(isAllIn(archived, days('2024-07-01', '2025-06-30'))).toBe(false);
    expect(isAllIn(archived, days('2024-07-01'))).toBe(false);
    expect(isAllIn(archived, days(undefined, '2024-12-31'))).toBe(false);
    expect(isAllIn([], days('2024-07-01', '2024-07-02'))).toBe(false);
  });
});

describe('filters in the address', () => {
  it('are read as they were written, whatever people type', () => {
    const text = fc.string({ minLength: 1 }).filter((one) => one.trim() === one && one.isWellFormed());
    const names = [
      'user_id',
      'status',
      'reference_prefix',
      'account',
      'currency',
      'from',
      'to',
      'quarter',
      'cursor',
    ];
    const any = fc.record(Object.fromEntries(names.map((name) => [name, text])), { requiredKeys: [] });
    fc.assert(
      fc.property(any, (filters) => {
        expect(readFilters(queryOf(searchAddress('main', filters as Filters)))).toEqual(filters);
      }),
    );
  });

  it('are the same address however they were filled in', () => {
    expect(writeFilters({ to: '2026-03-31', user_id: 'user-1' })).toBe('user_id=user-1&to=2026-03-31');
    expect(searchAddress('main', { user_id: '' })).toBe('/console/ledger/main/transactions');
  });

  it('pass over what is empty or not known', () => {
    expect(readFilters(new URLSearchParams('user_id=+&status=FAILED&colour=red&limit=3'))).toEqual({
      status: 'FAILED',
    });
  });

  it('mean the last day as a whole: the API is asked for what is before the next one', () => {
    expect(toApiQuery({ from: '2026-01-01', to: '2026-03-31', quarter: '2026q1' })).toEqual({
      from: '2026-01-01',
      to: '2026-04-01',
    });
    // What is no day goes there as it is, and comes back with what is wrong with it.
    expect(toApiQuery({ to: '31.03.' })).toEqual({ to: '31.03.' });
  });

  it('begin anew when they change, for a cursor belongs to its filters', () => {
    const filters = { user_id: 'user-1', status: 'FAILED', cursor: 'abc' };
    expect(without(filters, 'status')).toEqual({ user_id: 'user-1' });
    expect(changed(filters, { from: '2026-01-01' })).toEqual({
      user_id: 'user-1',
      status: 'FAILED',
      from: '2026-01-01',
    });
    expect(isNarrowed(filters)).toBe(true);
    expect(isNarrowed({ quarter: '2026q1', cursor: 'abc' })).toBe(false);
  });
});

describe('what charts show, in the address', () => {
  it('is the last twelve months by week when nothing is said', () => {
    expect(readChartQuery(new URLSearchParams(), '2026-11-26')).toEqual({
      from: '2025-11-27',
      to: '2026-11-26',
      group_by: 'week',
    });
  });

  it('is read as it was written', () => {
    const query = {
      from: '2024-04-01',
      to: '2026-11-26',
      group_by: 'quarter',
      currency: 'EUR',
      status: 'FAILED',
      user_id: 'user 1&2',
    } as const;
    expect(readChartQuery(queryOf(chartAddress('main', query)), '2026-12-31')).toEqual(query);
  });

  it('takes a period that leaves bars one can tell apart', () => {
    expect(fitting('2026-11-01', '2026-11-30')).toBe('day');
    expect(fitting('2025-12-01', '2026-11-30')).toBe('week');
    expect(fitting('2023-12-01', '2026-11-30')).toBe('month');
    expect(fitting('2012-01-01', '2026-11-30')).toBe('quarter');
    expect(fitting('x', 'y')).toBe('day');
  });
});
