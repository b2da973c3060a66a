/** What a panel shows, in the words of this house; `render` makes of it what Grafana reads. */
export interface Panel {
  readonly type: 'timeseries' | 'stat' | 'table' | 'state-timeline' | 'bargauge' | 'heatmap';
  readonly title: string;
  /** For somebody who sees the panel for the first time: what it answers, and what a bad sign looks like. */
  readonly description: string;
  readonly unit: Unit;
  readonly queries: readonly Query[];
  /** Of the 24 columns of the grid. */
  readonly width: number;
  /** Colours from a value upward, after the first, which holds for all below. */
  readonly thresholds?: Thresholds;
  readonly decimals?: number;
  /** The end of the axis, of a bar, or of what is drawn as a share. */
  readonly max?: number;
  readonly stacked?: boolean;
  readonly bars?: boolean;
  /** Shown where there is no figure, which may be good news. */
  readonly none?: string;
  /** A point for each of these, as `1d`; else as many as there is room for. */
  readonly every?: string;
  /** Words for values. */
  readonly words?: Readonly<Record<string, { readonly text: string; readonly color: string }>>;
  /** The columns of a table from left to right. */
  readonly columns?: readonly Column[];
  /** A stat that is a list of names rather than one number. */
  readonly named?: boolean;
}

export type Unit =
  | 's'
  | 'bytes'
  | 'ops'
  | 'reqps'
  | 'percentunit'
  | 'short'
  | 'none'
  | 'dateTimeFromNow'
  | 'suffix:days'
  | 'suffix:per hour';

export type Thresholds = readonly [first: string, ...rest: readonly [color: string, from: number][]];

export interface Query {
  readonly expr: string;
  /** How the series is called; `{{label}}` stands for a label's value. */
  readonly legend?: string;
}

/** A label by its name, or the value of a query by its letter. */
export interface Column {
  readonly from: string;
  readonly title: string;
  readonly unit?: Unit;
  readonly thresholds?: Thresholds;
  readonly none?: string;
}

export interface Place {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

const datasource = { type: 'prometheus', uid: '$' + '{datasource}' };

/** A panel as Grafana reads it. What is left out is Grafana's own default. */
export function render(panel: Panel, id: number, gridPos: Place): object {
  const { type, title, description } = panel;
  return {
    id,
    type,
    title,
    description,
    gridPos,
    datasource,
    ...(panel.every === undefined ? {} : { interval: panel.every }),
    targets: panel.queries.map((query, index) => target(panel, query, index)),
    fieldConfig: {
      defaults: {
        unit: panel.unit,
        ...(panel.decimals === undefined ? {} : { decimals: panel.decimals }),
        ...(type === 'timeseries' || type === 'bargauge' ? { min: 0 } : {}),
        ...(panel.max === undefined ? {} : { max: panel.max }),
        ...(panel.none === undefined ? {} : { noValue: panel.none }),
        color: { mode: colorMode(panel) },
        thresholds: steps(panel.thresholds ?? ['text']),
        ...(panel.words === undefined
          ? {}
          : { mappings: [{ type: 'value', options: mapping(panel.words) }] }),
        ...custom(panel),
      },
      overrides: (panel.columns ?? []).map(override),
    },
    options: options(panel),
    ...(type === 'table' ? { transformations: transformations(panel) } : {}),
  };
}

/** A heading under which panels are folded. */
export function heading(title: string, id: number, y: number): object {
  return { id, type: 'row', title, collapsed: false, gridPos: { x: 0, y, w: 24, h: 1 }, panels: [] };
}

function target({ type }: Panel, { expr, legend }: Query, index: number): object {
  const now = type === 'stat' || type === 'bargauge' || type === 'table';
  return {
    refId: letter(index),
    datasource,
    expr,
    ...(legend === undefined ? {} : { legendFormat: legend }),
    ...(now ? { instant: true } : { range: true }),
    ...(type === 'table' ? { format: 'table' } : {}),
    ...(type === 'heatmap' ? { format: 'heatmap' } : {}),
  };
}

function letter(index: number): string {
  return String.fromCharCode(65 + index);
}

function colorMode({ type, thresholds, words }: Panel): string {
  if (type === 'stat' || type === 'bargauge' || type === 'table' || words) return 'thresholds';
  return thresholds && type === 'state-timeline' ? 'thresholds' : 'palette-classic';
}

function steps([first, ...rest]: Thresholds): object {
  return {
    mode: 'absolute',
    steps: [{ color: first, value: null }, ...rest.map(([color, value]) => ({ color, value }))],
  };
}

function mapping(words: NonNullable<Panel['words']>): object {
  return Object.fromEntries(
    Object.entries(words).map(([value, { text, color }], index) => [value, { text, color, index }]),
  );
}

function custom({ type, thresholds, stacked = false, bars = false }: Panel): object {
  if (type === 'state-timeline') return { custom: { fillOpacity: 80, lineWidth: 0 } };
  if (type !== 'timeseries') return {};
  return {
    custom: {
      drawStyle: bars ? 'bars' : 'line',
      fillOpacity: bars ? 80 : stacked ? 40 : 8,
      lineWidth: 1,
      showPoints: 'never',
      stacking: { mode: stacked ? 'normal' : 'none', group: 'A' },
      thresholdsStyle: { mode: thresholds ? 'dashed' : 'off' },
    },
  };
}

function override({ title, unit, thresholds, none }: Column): object {
  const properties = [
    ...(unit === undefined ? [] : [{ id: 'unit', value: unit }]),
    ...(none === undefined ? [] : [{ id: 'noValue', value: none }]),
    ...(thresholds === undefined
      ? []
      : [
          { id: 'thresholds', value: steps(thresholds) },
          { id: 'custom.cellOptions', value: { type: 'color-background', mode: 'basic' } },
        ]),
  ];
  return { matcher: { id: 'byName', options: title }, properties };
}

function options({ type, queries, thresholds, named = false }: Panel): object {
  const latest = { calcs: ['lastNotNull'], fields: '', values: false };
  switch (type) {
    case 'stat':
      return {
        reduceOptions: latest,
        colorMode: named || thresholds === undefined ? 'value' : 'background',
        graphMode: 'none',
        justifyMode: 'center',
        orientation: 'auto',
        textMode: named ? 'value_and_name' : 'value',
      };
    case 'bargauge':
      return { reduceOptions: latest, displayMode: 'basic', orientation: 'horizontal', valueMode: 'color' };
    case 'table':
      return { cellHeight: 'sm', showHeader: true };
    case 'state-timeline':
      return {
        mergeValues: true,
        rowHeight: 0.8,
        showValue: 'auto',
        legend: { calcs: [], displayMode: 'list', placement: 'bottom', showLegend: true },
      };
    case 'heatmap':
      return {
        calculate: false,
        cellGap: 1,
        color: {
          mode: 'scheme',
          scheme: 'Oranges',
          exponent: 0.5,
          fill: 'dark-orange',
          reverse: false,
          steps: 64,
        },
        filterValues: { le: 1e-9 },
        legend: { show: true },
        rowsFrame: { layout: 'auto' },
        showValue: 'never',
        tooltip: { mode: 'single', yHistogram: false },
        yAxis: { axisPlacement: 'left', unit: 's' },
      };
    case 'timeseries':
      return {
        legend: {
          calcs: [],
          displayMode: 'list',
          placement: 'bottom',
          showLegend: queries.some(({ legend }) => legend !== undefined),
        },
        tooltip: { mode: 'multi', sort: 'desc' },
      };
  }
}

/** One row for each set of labels, with the value of every query in a column of its own. */
function transformations({ queries, columns = [] }: Panel): object[] {
  // With a single query Grafana calls its values `Value`, with several `Value #A`, `Value #B` and so on.
  const field = (from: string) =>
    /^[A-Z]$/.test(from) ? (queries.length === 1 ? 'Value' : `Value #${from}`) : from;
  return [
    { id: 'merge', options: {} },
    { id: 'filterFieldsByName', options: { include: { names: columns.map(({ from }) => field(from)) } } },
    {
      id: 'organize',
      options: {
        indexByName: Object.fromEntries(columns.map(({ from }, index) => [field(from), index])),
        renameByName: Object.fromEntries(columns.map(({ from, title }) => [field(from), title])),
      },
    },
  ];
}
