import { databaseMetrics } from '../../src/platform/database-metrics.ts';
import type { MetricSpec } from '../../src/platform/metric.ts';
import { catalogue, createMetrics, type MetricName } from '../../src/platform/metrics.ts';
import { examples } from './metrics-examples.ts';
import { allowedOf, labelValues, type Values } from './metrics-values.ts';

const PREFIX = 'quartermaster_';

/** By subject; a metric belongs to the first group with the beginning of its name. */
const groups: readonly (readonly [title: string, beginnings: RegExp])[] = [
  ['The process', /^(build_info|ready|switched_off)$/],
  ['HTTP', /^http_/],
  ['Posting and loads', /^(posting|load)_/],
  ['Figures of the database', /^database_figures_/],
  ['Connections of a process', /^database_/],
  ['Connections of the server', /^server_/],
  ['The replica', /^(replica|reads)_/],
  ['Jobs and the queue', /^(jobs?|queue|schedule|quarter_lines)_/],
  ['Maintenance', /^(blocked_by|lock_timeouts|fixity_failures|stale_statistics|index|hot_update|freeze)/],
  ['Partitions', /^(horizon|partitions?|pending_detach|drift)/],
  ['Quarters and archives', /^(quarters?|approvals|archives?)(_|$)/],
  ['Summaries and balances', /^(summaries|ledger)_/],
];

/** The metrics of each group, in the order of the catalogue. */
export function grouped(): Map<string, MetricName[]> {
  const names = Object.keys(catalogue) as MetricName[];
  const found = Map.groupBy(
    names,
    (name) => groups.find(([, beginnings]) => beginnings.test(name))?.[0] ?? 'Others',
  );
  return new Map(
    [...groups.map(([title]) => title), 'Others'].map((title) => [title, found.get(title) ?? []]),
  );
}

export async function renderPage(): Promise<string> {
  const sections = [...grouped()].filter(([, names]) => names.length > 0);
  return `# Metrics

Everything a process of Quartermaster tells Prometheus, each with the question of somebody on duty that it answers.
\`npm run docs:metrics\` writes this page from the code; a test sees to it that it is fresh and complete.

- \`quartermaster api\` has its page at \`/metrics\` of its port (\`QM_PORT\`), \`quartermaster worker\` at that of \`QM_WORKER_PORT\`. It is for
  everybody who reaches the port: it tells how much is done, and nothing of whom. No page waits for the database.
- Metrics that a process **counts itself** are summed up over the pods. Those **read of the database** are the same of every worker
  that reads at the same moment: take their \`max\`, never their sum. API pods read none, so there they are absent, or 0 where they count.
- Errors, retries, takeovers and given-up locks are there from 0 on, by every value of their labels, so that the first step of a
  counter is seen. A gauge that was not measured is not there: absent is not 0.
- Labels have few values: route templates and never paths, tables and never partitions, codes and never sentences. What a client
  sends becomes no value; what is unknown is \`unknown\` or \`other\`. None is called \`job\` or \`instance\`, which Prometheus gives itself.
- Requests to \`/healthz\`, \`/readyz\` and \`/metrics\` are not counted: they come every few seconds for ever, and say nothing of
  what callers wait for.
- The queue has a few connections of its own in each worker, which are in none of the pools below.

${sections.map(([title, names]) => `- [${title}](#${title.toLowerCase().replaceAll(' ', '-')}): ${names.length}`).join('\n')}
- [Node and the process](#node-and-the-process)

${sections.map(([title, names]) => `## ${title}\n\n${names.map(renderMetric).join('\n')}`).join('\n')}
## Node and the process

As Prometheus' client library for Node counts them. \`nodejs_active_handles_total\`, \`nodejs_active_requests_total\` and
\`nodejs_active_resources_total\` are left out: they are gauges named like counters, and the same numbers by type are here.

| metric | kind | what |
|---|---|---|
${(await defaults()).map(({ name, kind, help }) => `| \`${name}\` | ${kind} | ${help} |`).join('\n')}
`;
}

function renderMetric(name: MetricName): string {
  const { kind, help, question, labels, buckets }: MetricSpec = catalogue[name];
  const source = name in databaseMetrics ? ', read of the database' : '';
  const values = (labelValues as Partial<Record<MetricName, Record<string, Values>>>)[name];
  const lines = [
    `### \`${PREFIX}${name}\``,
    '',
    `*${question}* ${help}`,
    '',
    `- ${kind}${source}`,
    ...labels.map((label) => `- \`${label}\`: ${renderValues(values?.[label])}`),
    ...(buckets === undefined
      ? []
      : [
          `- up to ${buckets.map((bucket) => bucket.toLocaleString('en', { maximumFractionDigits: 4 })).join(', ')}`,
        ]),
    '',
  ];
  const asked = examples[name];
  if (asked !== undefined) lines.push('```promql', ...asked, '```', '');
  return lines.join('\n');
}

function renderValues(values: Values | undefined): string {
  if (values === undefined || typeof values === 'string') return values ?? '';
  const meaning = (value: string) => (Array.isArray(values) ? '' : (values as Record<string, string>)[value]);
  const shown = (value: string) => `\`${value}\`${meaning(value) ? ` (${meaning(value)})` : ''}`;
  return allowedOf(values)?.map(shown).join(', ') ?? '';
}

/** Those of the client library, as a page has them. */
async function defaults(): Promise<{ name: string; kind: string; help: string }[]> {
  const text = await createMetrics().page.render();
  const kinds = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, kind]) => [name, kind]));
  return [...text.matchAll(/^# HELP (\S+) (.*)$/gm)]
    .map(([, name = '', help = '']) => ({ name, help, kind: kinds.get(name) ?? '' }))
    .filter(({ name }) => !(name.slice(PREFIX.length) in catalogue));
}
