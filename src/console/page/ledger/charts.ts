import { formatAmount, formatCount } from '../format.ts';
import type { About } from '../session.ts';
import type { ChartData } from './chart-data.ts';
import type { ChartQuery } from './chart-query.ts';
import { plainAmount } from './csv.ts';
import { shiftDay } from './days.ts';
import { createFigure, type FigureColumn, type FigureOptions } from './figure.ts';
import { exponentOf } from './money.ts';
import {
  archivedSpans,
  type Chart,
  type Column,
  chartOf,
  nextStart,
  type Period,
  startOfPeriod,
} from './periods.ts';
import type { PlotSeries } from './plot.ts';

/** How the values of one chart are written and drawn. */
interface Kind<T> {
  readonly title: string;
  readonly fileName: string;
  /** What a value is followed by in a sentence. */
  readonly unit: string;
  shown(value: T): string;
  plain(value: T): string;
  /** For the eye alone. */
  drawn(value: T): number;
  sum(values: readonly T[]): T;
}

/** The charts of a range: how many transactions, and how much in each currency. */
export function chartsOf(
  about: About,
  ledger: string,
  query: ChartQuery,
  data: ChartData,
  update: () => void,
): (() => ReturnType<ReturnType<typeof createFigure>>)[] {
  const chart = chartOf(data.lines, query.from, query.to, query.group_by);
  const figure = <T>(kind: Kind<T>, column: Column<T>) =>
    createFigure(optionsOf(kind, column, chart, query, data, update));
  const per = perPeriod[query.group_by];
  const counts = figure(
    {
      title: `Transactions ${per}`,
      fileName: `${ledger}-transactions-${query.from}-${query.to}.csv`,
      unit: 'transactions',
      shown: formatCount,
      plain: String,
      drawn: Number,
      sum: (values) => values.reduce((sum, value) => sum + value, 0),
    },
    chart.counts,
  );
  const amounts = [...chart.amounts].map(([currency, column]) => {
    const exponent = exponentOf(about, currency);
    return figure(
      {
        title: `Amount ${per} in ${currency}`,
        fileName: `${ledger}-${currency}-${query.from}-${query.to}.csv`,
        unit: currency,
        shown: (value: bigint) => formatAmount(String(value), exponent),
        plain: (value: bigint) => plainAmount(String(value), exponent),
        drawn: (value: bigint) => Number(value) / 10 ** exponent,
        sum: (values: readonly bigint[]) => values.reduce((sum, value) => sum + value, 0n),
      },
      column,
    );
  });
  return [counts, ...amounts];
}

const perPeriod: Readonly<Record<Period, string>> = {
  day: 'a day',
  week: 'a week',
  month: 'a month',
  quarter: 'a quarter',
};

function optionsOf<T>(
  kind: Kind<T>,
  column: Column<T>,
  chart: Chart,
  query: ChartQuery,
  data: ChartData,
  update: () => void,
): FigureOptions {
  const wanted = (['booked', 'failed'] as const).filter(
    (look) => query.status === undefined || (query.status === 'SUCCESS') === (look === 'booked'),
  );
  const columns: FigureColumn[] = wanted.map((look) => ({
    name: look === 'booked' ? 'Booked' : 'Failed',
    shown: column[look].map(kind.shown),
    plain: column[look].map(kind.plain),
    total: { shown: kind.shown(kind.sum(column[look])) },
  }));
  const series: PlotSeries[] = wanted.map((look) => ({ look, values: column[look].map(kind.drawn) }));
  const spans = archivedSpans(data.archived);
  const last = chart.starts.at(-1) ?? query.from;
  const { names } = chart;
  const totals = columns.map(({ name, total }) => `${name.toLowerCase()} ${total.shown} ${kind.unit}`);
  return {
    title: kind.title,
    summary: `${kind.title} from ${query.from} to ${query.to}: ${totals.join(', ')}. The numbers are in the table below.`,
    period: query.group_by.charAt(0).toUpperCase() + query.group_by.slice(1),
    names,
    remarks: remarksOf(chart, query.group_by, data),
    columns,
    plot: {
      xs: chart.starts.map(seconds),
      end: seconds(nextStart(last, query.group_by)),
      series,
      shaded: spans.map(({ from, to }) => ({ from: seconds(from), to: seconds(shiftDay(to, 1)) })),
      marked: markedIn(chart, query.group_by, data.stale),
    },
    fileName: kind.fileName,
    update,
  };
}

/** What stands beside the name of a period. One that reaches into an archived quarter is archived in part. */
function remarksOf({ starts }: Chart, period: Period, { archived, stale }: ChartData): Map<number, string> {
  const remarks = new Map<number, string>();
  const spans = archivedSpans(archived);
  for (const [index, start] of starts.entries()) {
    const end = shiftDay(nextStart(start, period), -1);
    if (spans.some(({ from, to }) => start <= to && end >= from)) {
      remarks.set(
        index,
        spans.some(({ from, to }) => start >= from && end <= to) ? 'archived' : 'archived in part',
      );
    }
  }
  for (const index of markedIn({ starts }, period, stale)) remarks.set(index, 'not all summed up');
  return remarks;
}

function markedIn({ starts }: Pick<Chart, 'starts'>, period: Period, stale: readonly string[]): number[] {
  const found = new Set(stale.map((day) => starts.indexOf(startOfPeriod(day, period))));
  found.delete(-1);
  return [...found].toSorted((a, b) => a - b);
}

function seconds(day: string): number {
  return Date.parse(`${day}T00:00:00Z`) / 1000;
}
