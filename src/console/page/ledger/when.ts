/** An instant to the millisecond, for the page of one thing: `31 Mar 2026, 14:05:09.123`. */
export function formatExact(instant: string, zone: string): string {
  return new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    day: '2-digit',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    hourCycle: 'h23',
  }).format(new Date(instant));
}

/** A day of the calendar, which has no zone: `2026-03-31` → `31 Mar 2026`. */
export function formatDate(day: string): string {
  const format = { timeZone: 'UTC', day: '2-digit', month: 'short', year: 'numeric' } as const;
  return new Intl.DateTimeFormat('en-GB', format).format(new Date(`${day}T00:00:00Z`));
}
