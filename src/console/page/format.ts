import { formatAmount as writeAmount } from '../../../clients/typescript/src/index.ts';

/** Writes what the page shows. All of it is English; numbers, days and amounts look the same whatever the browser speaks. */
const LOCALE = 'en-GB';

/** 1234567 → `1,234,567`. */
export function formatCount(count: number | bigint): string {
  return count.toLocaleString(LOCALE);
}

/** 1536 → `1.5 KiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/**
 * Minor units as people write them: `-1234567` of a currency with two decimals → `−12,345.67`. Never a float: what is booked
 * may be larger than one holds.
 *
 * @param minor an integer, as the API writes it
 * @param exponent decimals of the currency
 */
export function formatAmount(minor: string, exponent: number): string {
  return writeAmount(minor, exponent, { minus: '−' });
}

/** An instant in the ledger's zone, to the minute: `31 Mar 2026, 14:05`. The zone is shown beside it, once a table. */
export function formatInstant(instant: string, zone: string): string {
  return new Intl.DateTimeFormat(LOCALE, {
    timeZone: zone,
    day: '2-digit',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).format(new Date(instant));
}

/** The day of an instant in the ledger's zone: `31 Mar 2026`. */
export function formatDay(instant: string, zone: string): string {
  const format = { timeZone: zone, day: '2-digit', month: 'short', year: 'numeric' } as const;
  return new Intl.DateTimeFormat(LOCALE, format).format(new Date(instant));
}
