import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..', '..');

/** As much of a Grafana panel as the tests look at. */
export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly interval?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: unknown;
  readonly targets?: readonly Target[];
  readonly fieldConfig?: {
    readonly defaults: { readonly unit?: string; readonly thresholds?: { readonly steps: readonly Step[] } };
    readonly overrides: readonly {
      readonly matcher: { readonly options: string };
      readonly properties: readonly { readonly id: string; readonly value: unknown }[];
    }[];
  };
  readonly transformations?: readonly { readonly id: string; readonly options: Record<string, unknown> }[];
}

export interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly datasource: unknown;
  readonly legendFormat?: string;
  readonly instant?: boolean;
  readonly format?: string;
}

export interface Step {
  readonly color: string;
  readonly value: number | null;
}

export interface Board {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr: string }[] };
  readonly templating: {
    readonly list: readonly {
      readonly name: string;
      readonly type: string;
      readonly query: string | { readonly query: string };
    }[];
  };
}

/** The dashboards of the chart, as they lie there. */
export const boardNames = ['ops', 'finance'] as const;

export function readBoard(name: (typeof boardNames)[number]): Board {
  const file = join(root, 'helm', 'quartermaster', 'files', 'dashboards', `${name}.json`);
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** An expression, and where it stands. */
export interface Asked {
  readonly where: string;
  /** With the variables of the dashboard in it. */
  readonly expr: string;
  readonly panel?: Panel;
  readonly target?: Target;
}

/** Every expression of panels, variables and annotations. */
export function everyExpression(board: Board): Asked[] {
  return [
    ...board.panels.flatMap((panel) =>
      (panel.targets ?? []).map((target) => ({
        where: `${board.uid}: ${panel.title} ${target.refId}`,
        expr: target.expr,
        panel,
        target,
      })),
    ),
    ...board.annotations.list.map(({ name, expr }) => ({ where: `${board.uid}: annotation ${name}`, expr })),
    ...board.templating.list.flatMap(({ name, type, query }) => {
      if (type !== 'query' || typeof query === 'string') return [];
      // What Prometheus is asked for the labels of is all but the name of the label.
      const series = /^label_values\((.+), *\w+\)$/.exec(query.query)?.[1] ?? query.query;
      return [{ where: `${board.uid}: variable ${name}`, expr: series }];
    }),
  ];
}

/** The expression as Grafana sends it with everything chosen, over a window that suits a scrape each second. */
export function withoutVariables(expr: string): string {
  return expr
    .replaceAll('$namespace', '.*')
    .replaceAll('$release', '.*')
    .replaceAll('$instance', '.*')
    .replaceAll('$__rate_interval', '1m');
}
