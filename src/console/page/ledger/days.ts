// Days are texts, `2026-03-31`, as the API takes and gives them: the server knows when one begins in the ledger's zone, and the
// page need not. Only from instants to days is the zone needed here.

/** From the first day to the last, both included: what people mean by "from 1 Jan to 31 Mar". */
export interface Days {
  readonly from: string;
  readonly to: string;
}

/** True for a real day of the calendar. */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const at = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text);
}

/** So many days later; earlier where it is negative. What is no day stays as it is, for the server to say so. */
export function shiftDay(day: string, days: number): string {
  if (!isDay(day)) return day;
  const at = new Date(`${day}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() + days);
  return at.toISOString().slice(0, 10);
}

/** The local day that holds the instant, whatever the clocks of the zone did on it. */
export function dayOf(instant: Date, zone: string): string {
  const format = { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' } as const;
  const parts = new Intl.DateTimeFormat('en-GB', format).formatToParts(instant);
  const part = (wanted: string) => parts.find(({ type }) => type === wanted)?.value ?? '';
  return `${part('year').padStart(4, '0')}-${part('month')}-${part('day')}`;
}

/** `2026-05-17` → `2026q2`. */
export function quarterOfDay(day: string): string {
  return `${day.slice(0, 4)}q${Math.ceil(Number(day.slice(5, 7)) / 3)}`;
}

/** `2026q2` → 1 April to 30 June; so many quarters later where `steps` is given. */
export function daysOfQuarter(quarter: string, steps = 0): Days {
  const count = Number(quarter.slice(0, 4)) * 4 + Number(quarter.slice(5)) - 1 + steps;
  const first = (of: number) =>
    `${String(Math.floor(of / 4)).padStart(4, '0')}-${String((of % 4) * 3 + 1).padStart(2, '0')}-01`;
  return { from: first(count), to: shiftDay(first(count + 1), -1) };
}

/** All of the day's month. */
export function daysOfMonth(day: string): Days {
  const from = `${day.slice(0, 8)}01`;
  return { from, to: shiftDay(`${shiftDay(from, 31).slice(0, 8)}01`, -1) };
}

/**
 * The instant an id was made of: a version 7 UUID begins with its millisecond, so that the id alone names its quarter. Undefined
 * for any other text.
 */
export function instantOfId(id: string): Date | undefined {
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i.test(id)) return undefined;
  const instant = new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16));
  return instant.getUTCFullYear() <= 9999 ? instant : undefined;
}
