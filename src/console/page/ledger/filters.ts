import { isDay, shiftDay } from './days.ts';

/**
 * What transactions are searched by, as it stands in the address: with the API's own names, so that the one who reads the
 * address can ask the API the same. Only `to` differs: here it is the last day, and in the API the first one after it.
 */
export interface Filters {
  readonly user_id?: string;
  readonly status?: string;
  readonly reference_prefix?: string;
  readonly account?: string;
  readonly currency?: string;
  readonly from?: string;
  readonly to?: string;
  /** Read from the archive of this quarter, and not from what is online. */
  readonly quarter?: string;
  /** Where the page begins: the API's, and of no use with other filters. */
  readonly cursor?: string;
}

export type FilterName = keyof Filters;

/** Those a person fills in. */
export const fields = [
  'user_id',
  'status',
  'reference_prefix',
  'account',
  'currency',
  'from',
  'to',
] as const satisfies readonly FilterName[];
export type Field = (typeof fields)[number];

const names: readonly FilterName[] = [...fields, 'quarter', 'cursor'];

/** What is empty is left out; what is not known is passed over, so that an old link still leads somewhere. */
export function readFilters(query: URLSearchParams): Filters {
  const filters: Partial<Record<FilterName, string>> = {};
  for (const name of names) {
    const value = query.get(name)?.trim();
    if (value) filters[name] = value;
  }
  return filters;
}

/** The same filters as what stands behind the `?`, always in the same order. */
export function writeFilters(filters: Filters): string {
  const query = new URLSearchParams();
  for (const name of names) {
    const value = filters[name];
    if (value) query.set(name, value);
  }
  return query.toString();
}

/** The address of a search, to be sent to somebody else. */
export function searchAddress(ledger: string, filters: Filters = {}): string {
  const query = writeFilters(filters);
  return `/console/ledger/${encodeURIComponent(ledger)}/transactions${query === '' ? '' : `?${query}`}`;
}

/** The filters without some of them; and from the first page on, for a cursor belongs to its filters. */
export function without(filters: Filters, ...left: readonly FilterName[]): Filters {
  const rest: Partial<Record<FilterName, string>> = { ...filters };
  for (const name of [...left, 'cursor'] as const) delete rest[name];
  return rest;
}

/** Others in place of these; from the first page on. */
export function changed(filters: Filters, change: Filters): Filters {
  return { ...without(filters), ...change };
}

/** What the API is asked for: `to` is the first day that is not wanted any more. */
export function toApiQuery({ quarter: _, to, ...filters }: Filters): Omit<Filters, 'quarter'> {
  return to === undefined ? filters : { ...filters, to: isDay(to) ? shiftDay(to, 1) : to };
}

/** True when anything is narrowed at all. */
export function isNarrowed(filters: Filters): boolean {
  return fields.some((name) => filters[name] !== undefined);
}
