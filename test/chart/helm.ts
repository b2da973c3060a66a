import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe } from 'vitest';
import { parseAllDocuments } from 'yaml';

const folder = import.meta.dirname;
export const chart = join(folder, '../../helm/quartermaster');
export const shapes = readdirSync(join(chart, 'ci')).map((file) => file.replace('-values.yaml', ''));
export const helms = ['helm3', 'helm4'] as const;
export type Helm = (typeof helms)[number];

/** An object as Kubernetes has it, read from what Helm printed. */
export interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  // biome-ignore lint/suspicious/noExplicitAny: what a test looks at in an object is for the API server to type.
  readonly [field: string]: any;
}

const missing = existsSync(join(folder, '.bin', 'stamp')) ? undefined : 'node tools/setup-chart.mjs';
// Left out in CI, they would be missed by nobody.
if (missing !== undefined && process.env.CI) throw new Error(`Helm is not installed: ${missing}`);

export const hasHelm = missing === undefined;

/** `describe` for what needs Helm: skipped where it could not be installed. */
export function describeChart(name: string, tests: () => void): void {
  const title = hasHelm ? name : `${name} (skipped: Helm is not here; ${missing} installs it)`;
  describe.skipIf(!hasHelm)(title, tests);
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs Helm with nothing of the machine's own settings. */
export function runHelm(helm: Helm, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  return new Promise((resolve) => {
    const home = join(root, helm);
    const clean = { PATH: process.env.PATH, HOME: home, KUBECONFIG: '/dev/null', NO_COLOR: '1', ...env };
    execFile(
      join(folder, '.bin', helm),
      args,
      { env: clean, maxBuffer: 64 * 1024 * 1024 },
      (error, out, err) => {
        resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, out, err });
      },
    );
  });
}

const root = mkdtempSync(join(tmpdir(), 'quartermaster-chart-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A folder that is gone after the tests of the file. */
export function scratch(): string {
  return mkdtempSync(join(root, 'scratch-'));
}

const alerts = `groups:
  - name: horizon
    rules:
      - alert: HorizonShort
        expr: quartermaster_horizon_seconds < 15552000
        for: 1h
        labels: { severity: warning }
        annotations:
          summary: Writes have no quarter in {{ $value | humanizeDuration }}.
          runbook_url: docs/runbooks/horizon-short.md
      - alert: ReadingStale
        expr: quartermaster_database_figures_age_seconds > 600
        labels: { severity: critical, team: ledger }
        annotations: { summary: The figures are old., runbook_url: docs/runbooks/reading-stale.md }
  - name: silence
    rules:
      - alert: NothingScraped
        expr: absent(quartermaster_build_info)
        labels: { severity: critical }
        annotations: { summary: Nothing is scraped., runbook_url: docs/runbooks/nothing-scraped.md }
`;
const dashboard = '{\n  "title": "{{instance}}",\n  "panels": []\n}\n';

/**
 * A copy of the chart with alerts and dashboards that are known, so that what the templates make of them can be said;
 * other files as they are given.
 */
export function chartCopy(files: Readonly<Record<string, string>> = {}): string {
  const place = scratch();
  cpSync(chart, place, { recursive: true });
  rmSync(join(place, 'files'), { recursive: true, force: true });
  const known = {
    'files/alerts.yaml': alerts,
    'files/dashboards/ops.json': dashboard,
    'files/dashboards/finance.json': dashboard,
  };
  for (const [file, text] of Object.entries({ ...known, ...files })) {
    mkdirSync(dirname(join(place, file)), { recursive: true });
    writeFileSync(join(place, file), text);
  }
  return place;
}

export interface RenderOptions {
  readonly helm?: Helm;
  readonly chart?: string;
  readonly release?: string;
  readonly namespace?: string;
  /** A file of `ci`; the least that can be installed unless told otherwise. */
  readonly shape?: string;
  readonly values?: object;
  readonly args?: readonly string[];
}

/** The values of a call as a file, and the arguments of `helm template` or `helm install` for them. */
export function argumentsOf(options: RenderOptions): string[] {
  const { release = 'demo', namespace = 'ledger', shape = 'minimal', values, args = [] } = options;
  const files = ['--values', join(chart, 'ci', `${shape}-values.yaml`)];
  if (values !== undefined) {
    const place = join(scratch(), 'values.yaml');
    // As JSON, which is YAML in which `yes` and `off` are words.
    writeFileSync(place, JSON.stringify(values));
    files.push('--values', place);
  }
  return [release, options.chart ?? chart, '--namespace', namespace, ...files, ...args];
}

export async function tryRender(options: RenderOptions): Promise<Ran> {
  return runHelm(options.helm ?? 'helm4', ['template', ...argumentsOf(options)]);
}

/**
 * What each Helm says to values that it does not install. Paths are written in one way: one has `- api.replicas: …`, the other
 * `- at '/api/replicas': …`.
 */
export async function refusals(options: RenderOptions): Promise<string[]> {
  const both = await Promise.all(helms.map((helm) => tryRender({ ...options, helm })));
  return both.map(({ code, out, err }) => {
    if (code !== 1 || out !== '') throw new Error(`it was not refused: ${code} ${out.slice(0, 200)}`);
    return err.replace(/'\/[\w/]+'/g, (path) => path.replaceAll('/', '.'));
  });
}

/** Everything that the chart makes of these values, hooks included. */
export async function render(options: RenderOptions = {}): Promise<Rendered[]> {
  const { code, out, err } = await tryRender(options);
  if (code !== 0) throw new Error(err);
  return objectsOf(out);
}

export function objectsOf(text: string): Rendered[] {
  return parseAllDocuments(text, { version: '1.1' }).flatMap((document) => {
    for (const error of document.errors) throw error;
    const object = document.toJS() as Rendered | null;
    return object === null ? [] : [object];
  });
}

/** The one object of this kind, and of this component where there are more. */
export function only(objects: readonly Rendered[], kind: string, component?: string): Rendered {
  const found = objects.filter(
    (object) =>
      object.kind === kind &&
      (component === undefined || object.metadata.labels?.['app.kubernetes.io/component'] === component),
  );
  const [first] = found;
  if (first === undefined || found.length > 1) throw new Error(`${found.length} of ${kind} ${component}`);
  return first;
}

/** The pods that objects make: what a pod is made of, under the name of the object. */
export function podsOf(
  objects: readonly Rendered[],
): { readonly of: string; readonly spec: Rendered['spec'] }[] {
  return objects.flatMap((object) => {
    const of = `${object.kind} ${object.metadata.name}`;
    if (object.kind === 'Pod') return [{ of, spec: object.spec }];
    return object.spec?.template?.spec === undefined ? [] : [{ of, spec: object.spec.template.spec }];
  });
}
