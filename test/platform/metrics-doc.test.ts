import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parser } from '@prometheus-io/lezer-promql';
import { describe, expect, it } from 'vitest';
import type { MetricSpec } from '../../src/platform/metric.ts';
import { catalogue, createMetrics, type MetricName } from '../../src/platform/metrics.ts';
import { checkMetrics, hasPromtool } from '../support/promtool.ts';
import { examples } from './metrics-examples.ts';
import { grouped, renderPage } from './metrics-page.ts';
import { allowedOf, labelValues, type Values } from './metrics-values.ts';

const path = join(import.meta.dirname, '..', '..', 'docs', 'metrics.md');
const specs: Record<string, MetricSpec> = catalogue;
const values = labelValues as Partial<Record<string, Record<string, Values>>>;

/** Elsewhere the operating system tells less of a process. */
const ofAll = (page: string) =>
  process.platform === 'linux' ? page : page.slice(0, page.indexOf('## Node and the process'));

describe('docs/metrics.md', () => {
  it('is what the code says; `npm run docs:metrics` writes it', async () => {
    const page = await renderPage();
    if (process.env.QM_TEST_WRITE_DOCS) await writeFile(path, page);
    expect(ofAll(await readFile(path, 'utf8'))).toBe(ofAll(page));
  });

  it('has every metric once, in a group of its subject, and what each label may be', async () => {
    const page = await readFile(path, 'utf8');
    const headings = [...page.matchAll(/^### `quartermaster_(.*)`$/gm)].map(([, name]) => name ?? '');
    expect(headings.toSorted()).toEqual(Object.keys(catalogue).sort());
    expect(grouped().get('Others')).toEqual([]);
    for (const [name, { labels }] of Object.entries(specs))
      expect([name, ...Object.keys(values[name] ?? {}).sort()]).toEqual([name, ...[...labels].sort()]);
  });

  it('has every metric that a process shows', async () => {
    const page = await readFile(path, 'utf8');
    const text = await createMetrics().page.render();
    const shown = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    expect(shown.length).toBeGreaterThan(80);
    expect(shown.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });
});

/** The parts of an expression that are no PromQL. */
function faultsOf(expression: string): string[] {
  const faults: string[] = [];
  parser.parse(expression).iterate({
    enter: ({ type, from, to }) => {
      if (type.isError) faults.push(`${from}: ${expression.slice(from, to) || 'something is missing'}`);
    },
  });
  return faults;
}

/** What an expression asks for that is not in the catalogue. */
function unknownIn(expression: string): string[] {
  return [...expression.matchAll(/quartermaster_(\w+)(?:\{([^}]*)\})?/g)].flatMap(
    ([, full = '', matchers = '']) => {
      const name = full in specs ? full : full.replace(/_(bucket|sum|count)$/, '');
      const spec = specs[name];
      if (spec === undefined || (spec.kind === 'histogram') === (name === full)) return [full];
      return [...matchers.matchAll(/(\w+)(=|!=|=~|!~)"([^"]*)"/g)].flatMap(
        ([matcher, label = '', , text = '']) => {
          if (!spec.labels.includes(label)) return [matcher];
          const allowed = allowedOf(values[name]?.[label]);
          const isKnown = allowed === undefined || text.split('|').every((value) => allowed.includes(value));
          return isKnown ? [] : [matcher];
        },
      );
    },
  );
}

describe('the examples', () => {
  const all = Object.entries(examples).flatMap(([name, asked]) => asked.map((one) => [name, one] as const));

  it.each(all)('of %s: %s', (name, expression) => {
    expect(faultsOf(expression)).toEqual([]);
    expect(unknownIn(expression)).toEqual([]);
    expect(expression).toContain(`quartermaster_${name}`);
  });

  it('would be found out', () => {
    expect(faultsOf('sum by (rate(x[5m])')).not.toEqual([]);
    expect(unknownIn('quartermaster_nothing_total')).toEqual(['nothing_total']);
    expect(unknownIn('quartermaster_job_wait_seconds')).toEqual(['job_wait_seconds']);
    expect(unknownIn('quartermaster_reads_total{colour="red"}')).toEqual(['colour="red"']);
    expect(unknownIn('quartermaster_reads_total{server=~"replica|moon"}')).toEqual([
      'server=~"replica|moon"',
    ]);
  });
});

// Where it is not installed nothing is shown; .ci/run installs it.
it.skipIf(!hasPromtool())('promtool has nothing to say about a page with all metrics', async () => {
  const metrics = createMetrics();
  for (const [name, { kind, labels }] of Object.entries(specs) as [MetricName, MetricSpec][]) {
    const some = Object.fromEntries(labels.map((label) => [label, 'x']));
    if (kind === 'counter') metrics.count(name as 'posting_replays_total', some);
    if (kind === 'gauge') metrics.set(name as 'horizon_seconds', some, 1);
    if (kind === 'histogram') metrics.observe(name as 'posting_batch_size', some, 1);
  }
  const page = await metrics.page.render();
  expect(await checkMetrics(page)).toBe('');
  expect(await checkMetrics(page.replaceAll('horizon_seconds', 'horizon_days'))).toContain('base unit');
});
