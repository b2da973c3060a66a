import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { chartCopy, describeChart, hasHelm, only, type Rendered, render, shapes } from './helm.ts';

const every = new Map<string, Rendered[]>();

beforeAll(async () => {
  if (!hasHelm) return;
  const place = chartCopy();
  for (const shape of shapes) every.set(shape, await render({ chart: place, shape }));
});

describeChart('names and labels', () => {
  const file = join(import.meta.dirname, 'expected/selectors.json');

  /** `QM_TEST_WRITE_SELECTORS=1` writes those of a new shape; a change of those that are there breaks every upgrade. */
  it('that select pods are those of every version before', () => {
    const selectors = Object.fromEntries(
      shapes.map((shape) => [
        shape,
        Object.fromEntries(
          (every.get(shape) ?? [])
            .filter(({ kind }) => kind === 'Deployment')
            .map(({ metadata, spec }) => [metadata.name, spec.selector]),
        ),
      ]),
    );
    if (process.env.QM_TEST_WRITE_SELECTORS !== undefined)
      writeFileSync(file, `${JSON.stringify(selectors, undefined, 2)}\n`);
    expect(selectors).toEqual(JSON.parse(readFileSync(file, 'utf8')));
  });

  it('that select pods are three, and no version, label or value of the chart changes them', async () => {
    const selectors = async (values: object, text = '') => {
      const place = text === '' ? undefined : chartCopy({ 'Chart.yaml': text });
      const objects = await render({ values, ...(place === undefined ? {} : { chart: place }) });
      return ['api', 'worker'].map((component) => only(objects, 'Deployment', component).spec.selector);
    };
    const first = await selectors({});
    expect(first.map(({ matchLabels }) => Object.keys(matchLabels))).toEqual(
      Array(2).fill(['app.kubernetes.io/name', 'app.kubernetes.io/instance', 'app.kubernetes.io/component']),
    );
    const stubborn = {
      'app.kubernetes.io/name': 'mine',
      'app.kubernetes.io/instance': 'mine',
      'app.kubernetes.io/component': 'mine',
      team: 'payments',
    };
    const values = { commonLabels: stubborn, api: { podLabels: stubborn }, fullnameOverride: 'ledger' };
    const next = readFileSync(join(chartCopy(), 'Chart.yaml'), 'utf8').replaceAll('0.1.0', '9.9.9');
    expect(await selectors(values, next)).toEqual(first);
  });

  it('let a new chart with the same image restart no pod and run no migration', async () => {
    const text = readFileSync(join(chartCopy(), 'Chart.yaml'), 'utf8').replace(
      /^version: .*$/m,
      'version: 9.9.9',
    );
    const pods = async (place?: string) =>
      (await render({ shape: 'gitops', ...(place === undefined ? {} : { chart: place }) }))
        .filter(({ kind }) => ['Deployment', 'Job'].includes(kind))
        .map(({ metadata, spec }) => [metadata.name, spec.template]);
    expect(await pods(chartCopy({ 'Chart.yaml': text }))).toEqual(await pods());
  });

  it('are on every object: the chart, the version, who installed it', () => {
    const extra = /-(extra|text)$/;
    for (const { metadata } of [...every.values()]
      .flat()
      .filter(({ metadata }) => !extra.test(metadata.name))) {
      expect(metadata).toMatchObject({ namespace: 'ledger' });
      expect(metadata.labels).toMatchObject({
        'helm.sh/chart': 'quartermaster-0.1.0',
        'app.kubernetes.io/version': '0.1.0',
        'app.kubernetes.io/managed-by': 'Helm',
        'app.kubernetes.io/name': 'quartermaster',
        'app.kubernetes.io/instance': 'demo',
        'app.kubernetes.io/part-of': 'quartermaster',
      });
    }
  });

  it('have room in a label, with the longest name of a release, and say which release it is', async () => {
    const place = chartCopy();
    const long = 'a-release-with-the-longest-name-that-helm-takes-and-then-some';
    const releases = [`${long.slice(0, 51)}-a`, `${long.slice(0, 51)}-b`, 'ab', 'quartermaster'];
    const names = await Promise.all(
      releases.map(async (release) => {
        const objects = await render({ chart: place, shape: 'production', release });
        const jobs = await render({ chart: place, shape: 'gitops', release });
        return [...objects, ...jobs].map(({ kind, metadata }) => `${kind} ${metadata.name}`);
      }),
    );
    // A pod of a Deployment has sixteen characters more, and its name is a label of what looks at it.
    const tooLong = names.flat().filter((name) => (name.split(' ')[1] ?? '').length > 63 - 1);
    expect(tooLong).toEqual([]);
    const sets = names.map((each) => new Set(each.filter((name) => !/ServiceAccount default/.test(name))));
    for (const [at, one] of sets.entries()) {
      for (const other of sets.slice(at + 1)) expect([...one].filter((name) => other.has(name))).toEqual([]);
    }
    expect(names.at(-1)).toContain('Deployment quartermaster-api');
  });
});
