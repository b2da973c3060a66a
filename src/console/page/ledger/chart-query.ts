import { isDay, shiftDay } from './days.ts';
import { type Period, periodNames } from './periods.ts';

/** What the charts show, as it stands in the address: the API's own names, and both days included as there. */
export interface ChartQuery {
  readonly from: string;
  readonly to: string;
  readonly group_by: Period;
  readonly currency?: string;
  readonly status?: string;
  readonly user_id?: string;
}

const optional = ['currency', 'status', 'user_id'] as const;

/** What the address leaves out is the last twelve months by week. */
export function readChartQuery(query: URLSearchParams, today: string): ChartQuery {
  const text = (name: string) => query.get(name)?.trim() || undefined;
  const to = text('to') ?? today;
  const from = text('from') ?? (isDay(to) ? shiftDay(to, -364) : to);
  const given = text('group_by');
  const rest: Partial<Record<(typeof optional)[number], string>> = {};
  for (const name of optional) {
    const value = text(name);
    if (value !== undefined) rest[name] = value;
  }
  return { from, to, group_by: periodNames.find((name) => name === given) ?? fitting(from, to), ...rest };
}

/** The address of the charts of a ledger. */
export function chartAddress(
  ledger: string,
  { from, to, group_by, ...rest }: Partial<ChartQuery> = {},
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ from, to, group_by, ...rest }))
    if (value) query.set(name, value);
  const text = query.toString();
  return `/console/ledger/${encodeURIComponent(ledger)}/charts${text === '' ? '' : `?${text}`}`;
}

/** So that there are some tens of bars: more are hard to tell apart, and fewer say little. */
export function fitting(from: string, to: string): Period {
  const days = (Date.parse(to) - Date.parse(from)) / 86_400_000;
  if (!(days > 92)) return 'day';
  if (days <= 550) return 'week';
  return days <= 366 * 6 ? 'month' : 'quarter';
}
