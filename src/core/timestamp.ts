export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

const DAY_TEXT = /^(?!0000)(\d{4})-(\d\d)-(\d\d)$/;

/** What follows the day in a date-time: hours, minutes, seconds, milliseconds, `Z` or an offset. */
export const TIME_TEXT = /^[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,3})\d*)?)?(Z|[+-]\d\d(?::?\d\d){0,2})?$/;

/** Midnight of a real day as the wall shows it. */
export function midnightOf(text: string): number | undefined {
  const match = DAY_TEXT.exec(text);
  if (!match) return undefined;
  const midnight = utc(Number(match[1]), Number(match[2]), Number(match[3]));
  return new Date(midnight).toISOString().startsWith(text) ? midnight : undefined;
}

/** Milliseconds of `Z`, `+01`, `-0330` or `+05:53:28`; 15:59:59 is the widest, as in PostgreSQL. */
export function offsetOf(text: string): number {
  if (text === 'Z') return 0;
  const digits = text.replaceAll(':', '');
  const offset = clockTime(15, digits.slice(1, 3), digits.slice(3, 5), digits.slice(5));
  return text.startsWith('-') ? -offset : offset;
}

/** Milliseconds of hours, minutes and seconds written as digits; NaN where there is no such time. */
export function clockTime(lastHour: number, hour: string | undefined, minute = '', second = ''): number {
  const [h, m, s] = [Number(hour), Number(minute), Number(second)];
  return h <= lastHour && m <= 59 && s <= 59 ? h * HOUR + m * MINUTE + s * SECOND : Number.NaN;
}

/** `Date.UTC` takes the years 0 to 99 for 1900 to 1999; 400 years are always 146,097 days. */
export function utc(year: number, month: number, day: number): number {
  return Date.UTC(year + 400, month - 1, day) - 146_097 * DAY;
}
