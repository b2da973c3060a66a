import { stringify } from '../core/json.ts';

/** The report of a verb, as the API writes things: names with underscores, counts above what a double holds as strings. */
export function toReport(report: object): Record<string, unknown> {
  return renamed(JSON.parse(stringify(report))) as Record<string, unknown>;
}

function renamed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(renamed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      renamed(member),
    ]),
  );
}
