import { describe, expect, it } from 'vitest';
import { databaseMetrics } from '../../src/platform/database-metrics.ts';
import { catalogue, createMetrics } from '../../src/platform/metrics.ts';
import { build } from '../../tools/dashboards/dashboard.ts';
import { finance } from '../../tools/dashboards/finance.ts';
import { ops } from '../../tools/dashboards/ops.ts';
import { boardNames, everyExpression, type Panel, readBoard, withoutVariables } from './boards.ts';
import { readExpression } from './promql.ts';

const made = { ops, finance };
const boards = boardNames.map((name) => readBoard(name));

/** What a dashboard has no panel for, and why. */
const nowhere: Record<string, string> = {};

/** Metrics of Prometheus itself, with their labels. */
const foreign = { up: [], ALERTS: ['alertname', 'alertstate', 'severity'] };
/** What Prometheus or the chart gives to every target, in Kubernetes at least. */
const given = ['namespace', 'release', 'instance', 'job'];

/** Every series of the page of a process with the labels it may have, by its name. */
async function everySeries(): Promise<Map<string, readonly string[]>> {
  const series = new Map<string, readonly string[]>(Object.entries(foreign));
  const page = await createMetrics().page.render();
  for (const [, name = '', kind] of page.matchAll(/^# TYPE (\S+) (\w+)$/gm)) {
    const labels =
      Object.entries(catalogue).find(([own]) => name === `quartermaster_${own}`)?.[1].labels ?? [];
    if (kind !== 'histogram') series.set(name, labels);
    else for (const suffix of ['sum', 'count']) series.set(`${name}_${suffix}`, labels);
    if (kind === 'histogram') series.set(`${name}_bucket`, [...labels, 'le']);
  }
  return series;
}

describe.each(boardNames)('the dashboard %s', (name) => {
  const board = readBoard(name);
  const panels = board.panels.filter(({ type }) => type !== 'row');
  const asked = everyExpression(board).map((each) => ({ ...each, expr: withoutVariables(each.expr) }));

  it('is what tools/dashboards describes: run `node tools/dashboards.ts`', () => {
    expect(board).toEqual(JSON.parse(JSON.stringify(build(made[name]))));
  });

  it('asks only for what can be parsed', () => {
    expect(asked.length).toBeGreaterThan(20);
    expect(asked.flatMap(({ expr }) => readExpression(expr).faults)).toEqual([]);
    expect(asked.filter(({ expr }) => expr.includes('$'))).toEqual([]);
  });

  it('names only metrics and labels that there are', async () => {
    const series = await everySeries();
    const wrong = asked.flatMap(({ where, expr }) => {
      const { selectors, grouping } = readExpression(expr);
      const known = [...given, ...selectors.flatMap(({ metric }) => series.get(metric) ?? [])];
      return [
        ...selectors.filter(({ metric }) => !series.has(metric)).map(({ metric }) => `${where}: ${metric}`),
        ...selectors.flatMap(({ metric, labels }) =>
          labels
            .filter((label) => ![...given, ...(series.get(metric) ?? [])].includes(label))
            .map((label) => `${where}: ${metric}{${label}}`),
        ),
        ...[...grouping].filter((label) => !known.includes(label)).map((label) => `${where}: by ${label}`),
      ];
    });
    expect(wrong).toEqual([]);
  });

  it('adds up what processes count, and never what the database has but once', () => {
    const figures = new Set(Object.keys(databaseMetrics).map((own) => `quartermaster_${own}`));
    const wrong = asked
      .filter(({ target }) => target !== undefined)
      .flatMap(({ where, expr }) =>
        readExpression(expr)
          .selectors.filter(({ metric, aggregation = 'nothing' }) => {
            if (figures.has(metric)) return aggregation !== 'max' && aggregation !== 'min';
            return aggregation === 'nothing' && metric !== 'up';
          })
          .map(({ metric, aggregation }) => `${where}: ${metric} under ${aggregation}`),
      );
    expect(wrong).toEqual([]);
  });

  it('calls its series by labels that are left in them', () => {
    const wrong = asked.flatMap(({ where, expr, panel, target }) => {
      const { grouping } = readExpression(expr);
      const used = Array.from(
        target?.legendFormat?.matchAll(/\{\{(\w+)\}\}/g) ?? [],
        ([, label = '']) => label,
      );
      // A single number needs no name, and a table has one for each column.
      const unnamed =
        target?.legendFormat === undefined && !['stat', 'table'].includes(panel?.type ?? 'stat');
      return [
        ...used.filter((label) => !grouping.has(label)).map((label) => `${where}: ${label}`),
        ...(unnamed ? [`${where}: no legend`] : []),
      ];
    });
    expect(wrong).toEqual([]);
  });

  it('has columns in its tables for labels and queries that there are', () => {
    const wrong = panels
      .filter(({ type }) => type === 'table')
      .flatMap(({ title, targets = [], transformations = [], fieldConfig }) => {
        const fields = new Set(
          targets.flatMap(({ expr }) => [...readExpression(withoutVariables(expr)).grouping]),
        );
        for (const { refId } of targets) fields.add(targets.length === 1 ? 'Value' : `Value #${refId}`);
        const organize = transformations.find(({ id }) => id === 'organize')?.options ?? {};
        const names = Object.values(organize.renameByName ?? {});
        return [
          ...Object.keys(organize.indexByName ?? {}).filter((field) => !fields.has(field)),
          ...(fieldConfig?.overrides ?? [])
            .map(({ matcher }) => matcher.options)
            .filter((own) => !names.includes(own)),
        ].map((field) => `${title}: ${field}`);
      });
    expect(wrong).toEqual([]);
  });

  it('tells a newcomer what each panel is', () => {
    const core = ['timeseries', 'stat', 'table', 'state-timeline', 'bargauge', 'heatmap'];
    const units = [
      's',
      'bytes',
      'ops',
      'reqps',
      'percentunit',
      'short',
      'none',
      'suffix:days',
      'suffix:per hour',
    ];
    for (const panel of panels) {
      expect(core).toContain(panel.type);
      expect(panel.title).toMatch(/^[A-Z0-9].{3,70}$/);
      expect(panel.description, panel.title).toMatch(/^.{30,300}[.%]$/);
      expect([panel.title, panel.fieldConfig?.defaults.unit]).toEqual([panel.title, expect.toBeOneOf(units)]);
      expect(panel.targets?.length, panel.title).toBeGreaterThan(0);
    }
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    expect(new Set(board.panels.map(({ id }) => id)).size).toBe(board.panels.length);
  });

  it('has the unit that the names of its metrics say', () => {
    const wrong = panels
      .filter(({ type }) => type !== 'table' && type !== 'heatmap')
      .flatMap((panel) =>
        unitsOf(panel).includes(panel.fieldConfig?.defaults.unit ?? '')
          ? []
          : [
              `${panel.title}: ${panel.fieldConfig?.defaults.unit} of ${panel.targets?.map(({ expr }) => expr)}`,
            ],
      );
    expect(wrong).toEqual([]);
  });

  it('fills a grid of 24 columns, and nothing lies on anything else', () => {
    const taken = new Map<string, string>();
    for (const { title, gridPos } of board.panels) {
      expect([title, gridPos.x + gridPos.w <= 24]).toEqual([title, true]);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect([title, taken.get(`${x} ${y}`)]).toEqual([title, undefined]);
          taken.set(`${x} ${y}`, title);
        }
    }
    const bottom = Math.max(...board.panels.map(({ gridPos }) => gridPos.y + gridPos.h));
    expect(taken.size).toBe(24 * bottom);
  });

  it('asks the Prometheus that is chosen, and no other', () => {
    const chosen = { type: 'prometheus', uid: '$' + '{datasource}' };
    for (const panel of panels) {
      expect(panel.datasource).toEqual(chosen);
      for (const { datasource } of panel.targets ?? []) expect(datasource).toEqual(chosen);
    }
    expect(board.templating.list.map(({ name }) => name)).toEqual([
      'datasource',
      'namespace',
      'release',
      'instance',
    ]);
    expect(board).toMatchObject({ uid: `quartermaster-${name}`, schemaVersion: 42 });
  });
});

/** The units that suit what a panel asks for, by the suffixes of the names. */
function unitsOf({ targets = [] }: Panel): string[] {
  const units = targets.map(({ expr }) => {
    if (expr.includes('/ 86400')) return ['suffix:days'];
    if (expr.includes('* 3600')) return ['suffix:per hour'];
    const [numerator = '', divisor] = expr.split(' / ');
    if (divisor !== undefined && !/_sum\b/.test(numerator)) return ['percentunit'];
    if (/ratio\b|_cpu_seconds_total|gc_duration_seconds_sum/.test(expr)) return ['percentunit'];
    if (/_seconds(_bucket|_sum)?\b/.test(numerator)) return ['s'];
    if (/_bytes\b/.test(expr)) return ['bytes'];
    if (/rate\(/.test(numerator) && !/_sum\b|_bucket/.test(numerator)) return ['ops', 'reqps'];
    return ['short', 'none'];
  });
  return (units[0] ?? []).filter((unit) => units.every((each) => each.includes(unit)));
}

it('every metric is on a dashboard, or it is said why not', () => {
  const drawn = new Set(
    boards
      .flatMap(everyExpression)
      .flatMap(({ expr }) =>
        readExpression(withoutVariables(expr)).selectors.map(({ metric }) =>
          metric.replace(/^quartermaster_/, '').replace(/_(bucket|sum|count)$/, ''),
        ),
      ),
  );
  expect(Object.keys(catalogue).filter((name) => !drawn.has(name))).toEqual(Object.keys(nowhere));
});

it('bars by day say which day each is', () => {
  const daily = boards.flatMap(({ panels }) => panels.filter(({ interval }) => interval === '1d'));
  expect(daily.length).toBeGreaterThan(4);
  for (const { title, description } of daily)
    expect([title, description]).toEqual([title, expect.stringMatching(/UTC/)]);
});

it('what is booked is drawn without what is not, and with the rows of loads', () => {
  const [panel] = boards.flatMap(({ panels }) => panels).filter(({ title }) => title === 'Booked, by day');
  const asked = (panel?.targets ?? []).flatMap(
    ({ expr }) => /(\w+)\{.*outcome="booked"/.exec(expr)?.[1] ?? [],
  );
  expect(asked).toEqual(['quartermaster_posting_transactions_total', 'quartermaster_load_rows_total']);
  expect(panel?.targets).toHaveLength(2);
});

it('an expression that is wrong is known to be', () => {
  expect(readExpression('sum(rate(a{b="c"}[5m])').faults).not.toEqual([]);
  expect(readExpression('max by (c) (a{b="d"} / on (e) f)')).toEqual({
    faults: [],
    selectors: [
      { metric: 'a', labels: ['b'], aggregation: 'max' },
      { metric: 'f', labels: [], aggregation: 'max' },
    ],
    grouping: new Set(['c', 'e']),
  });
});
