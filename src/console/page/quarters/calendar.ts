const LOCALE = 'en-GB';

/** A day as people write it: `9 Jan 2027`. */
export function dayWords(instant: string, zone: string): string {
  return dayParts(instant, zone).join(' ');
}

function dayParts(instant: string, zone: string): [day: string, month: string, year: string] {
  const format = { timeZone: zone, day: 'numeric', month: 'short', year: 'numeric' } as const;
  const parts = new Intl.DateTimeFormat(LOCALE, format).formatToParts(new Date(instant));
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? '';
  return [part('day'), part('month'), part('year')];
}

/** A quarter's days, as people say them: its end is a midnight, of which the day before is meant. */
export function lastDay(endsAt: string, zone: string): string {
  return dayWords(new Date(Date.parse(endsAt) - 1).toISOString(), zone);
}

/** `1 Jan to the end of 31 Mar 2026`. */
export function periodOf(
  { starts_at, ends_at }: { readonly starts_at: string; readonly ends_at: string },
  zone: string,
): string {
  const [day, month] = dayParts(starts_at, zone);
  return `${day} ${month} to the end of ${lastDay(ends_at, zone)}`;
}

/**
 * An instant until which something lasts: where it is a midnight of the ledger's zone the end of the day before is meant.
 *
 * @param zone of the ledger
 */
export function untilWords(instant: string, zone: string): string {
  const format = { timeZone: zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
  const time = new Intl.DateTimeFormat(LOCALE, format).format(new Date(instant));
  return time === '00:00' ? `the end of ${lastDay(instant, zone)}` : `${dayWords(instant, zone)}, ${time}`;
}

/** One year of a list of quarters, the oldest first. */
export interface Year<Q> {
  readonly year: string;
  readonly quarters: readonly Q[];
}

/** The quarters by their year, in the order in which they come. */
export function byYear<Q extends { readonly quarter: string }>(quarters: readonly Q[]): Year<Q>[] {
  const years = new Map<string, Q[]>();
  for (const one of quarters) {
    const year = one.quarter.slice(0, 4);
    const others = years.get(year);
    if (others === undefined) years.set(year, [one]);
    else others.push(one);
  }
  return [...years].map(([year, some]) => ({ year, quarters: some }));
}

/** The name of the quarter after this one: 2026q4 → 2027q1. */
export function nextName(quarter: string): string {
  const [year, part] = [Number(quarter.slice(0, 4)), Number(quarter.slice(5))];
  return part === 4 ? `${year + 1}q1` : `${year}q${part + 1}`;
}

/** Where a quarter lies: it is over, it is now, or it is yet to come. */
export function whenOf(
  { starts_at, ends_at }: { readonly starts_at: string; readonly ends_at: string },
  now: number,
): 'past' | 'present' | 'future' {
  if (Date.parse(ends_at) <= now) return 'past';
  return Date.parse(starts_at) > now ? 'future' : 'present';
}
