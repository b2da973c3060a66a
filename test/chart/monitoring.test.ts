import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { chart, chartCopy, describeChart, only, type Rendered, render, scratch } from './helm.ts';

const promtool = spawnSync('promtool', ['--version']).error === undefined;
const alertsOf = (object: Rendered): Rendered[] =>
  object.spec.groups.flatMap((group: Rendered) => group.rules).filter((rule: Rendered) => rule.alert);

/** The rules of a PrometheusRule, as the operator writes them for Prometheus, judged by promtool. */
function checkRules(object: Rendered): string {
  const file = join(scratch(), 'rules.yaml');
  writeFileSync(file, stringify({ groups: object.spec.groups }));
  return execFileSync('promtool', ['check', 'rules', file], { encoding: 'utf8' });
}

describeChart('the alerts of a release', () => {
  it('are those of the file: with the address of their runbook, and more labels that take none away', async () => {
    const values = {
      metrics: {
        prometheusRule: {
          ...{
            enabled: true,
            labels: { release: 'prometheus' },
            runbookBaseUrl: 'https://git.example.com/main/',
          },
          alertLabels: { team: 'payments', severity: 'page' },
        },
      },
    };
    const rule = only(await render({ chart: chartCopy(), values }), 'PrometheusRule');
    expect(rule.metadata.labels).toMatchObject({ release: 'prometheus' });
    const alerts = alertsOf(rule);
    expect(alerts.map(({ alert, labels }) => [alert, labels])).toEqual([
      ['HorizonShort', { severity: 'warning', team: 'payments' }],
      ['ReadingStale', { severity: 'critical', team: 'ledger' }],
      ['NothingScraped', { severity: 'critical', team: 'payments' }],
    ]);
    expect(alerts[0]).toMatchObject({
      expr: 'quartermaster_horizon_seconds < 15552000',
      for: '1h',
      annotations: {
        // For Prometheus to fill in, and not for Helm.
        summary: 'Writes have no quarter in {{ $value | humanizeDuration }}.',
        runbook_url: 'https://git.example.com/main/docs/runbooks/horizon-short.md',
      },
    });
  });

  it('are left out by name, and a group with them when it is empty', async () => {
    const disabled = ['HorizonShort', 'NothingScraped'];
    const values = { metrics: { prometheusRule: { enabled: true, disabled } } };
    const rule = only(await render({ chart: chartCopy(), values }), 'PrometheusRule');
    expect(alertsOf(rule).map(({ alert }) => alert)).toEqual(['ReadingStale']);
    expect(rule.spec.groups.map(({ name }: Rendered) => name)).toEqual(['horizon']);
  });

  it.skipIf(!promtool)('are taken by promtool', async () => {
    const values = { metrics: { prometheusRule: { enabled: true } } };
    expect(checkRules(only(await render({ chart: chartCopy(), values }), 'PrometheusRule'))).toContain(
      '3 rules found',
    );
  });

  // They are written by whoever writes alerts; here only what the chart makes of them is looked at.
  const file = join(chart, 'files/alerts.yaml');
  it.skipIf(!promtool)('that are shipped arrive whole, and are taken by promtool', async () => {
    const written = parse(readFileSync(file, 'utf8')) as { groups: { rules: Rendered[] }[] };
    const runbookBaseUrl = 'https://git.example.com/main';
    const values = { metrics: { prometheusRule: { enabled: true, runbookBaseUrl } } };
    const rule = only(await render({ values }), 'PrometheusRule');
    const count = written.groups.flatMap(({ rules }) => rules).length;
    expect(count).toBeGreaterThan(10);
    expect(checkRules(rule)).toContain(`${count} rules found`);
    const wanted = written.groups.flatMap(({ rules }) => rules).map(({ alert, expr }) => [alert, expr]);
    expect(
      rule.spec.groups
        .flatMap(({ rules }: Rendered) => rules)
        .map(({ alert, expr }: Rendered) => [alert, expr]),
    ).toEqual(wanted);
    for (const { annotations } of alertsOf(rule))
      expect(annotations.runbook_url).toMatch(/^https:\/\/git\.example\.com\/main\/docs\//);
  });
});

describeChart('the dashboards of a release', () => {
  const values = {
    metrics: {
      dashboards: {
        enabled: true,
        label: 'shown',
        labelValue: 'yes',
        annotations: { grafana_folder: 'Ledger' },
      },
    },
  };

  it('are the files, letter by letter, under the label that Grafana looks for', async () => {
    const place = chartCopy();
    const maps = (await render({ chart: place, values })).filter(
      ({ metadata }) => metadata.labels?.shown === 'yes',
    );
    expect(
      maps.map(({ metadata, data }) => [metadata.name, Object.keys(data), metadata.annotations]),
    ).toEqual([
      ['demo-quartermaster-dashboard-finance', ['quartermaster-finance.json'], { grafana_folder: 'Ledger' }],
      ['demo-quartermaster-dashboard-ops', ['quartermaster-ops.json'], { grafana_folder: 'Ledger' }],
    ]);
    const text = readFileSync(join(place, 'files/dashboards/ops.json'), 'utf8');
    expect(text).toContain('{{instance}}');
    expect(maps[1]?.data['quartermaster-ops.json']).toBe(text.trimEnd());
  });

  const folder = join(chart, 'files/dashboards');
  const shipped = readdirSync(folder);
  it('that are shipped fit into a ConfigMap', async () => {
    const maps = (await render({ values })).filter(({ metadata }) => metadata.labels?.shown === 'yes');
    expect(maps).toHaveLength(shipped.length);
    for (const { data } of maps) {
      const [text = ''] = Object.values(data as Record<string, string>);
      expect(JSON.parse(text)).toHaveProperty('panels');
      expect(text.length).toBeLessThan(900_000);
    }
  });
});

describeChart('the monitors of a release', () => {
  it('find the Services, and the pods, of this release by their ports', async () => {
    const objects = await render({ shape: 'production' });
    for (const [component, port] of [
      ['api', 'http'],
      ['worker', 'metrics'],
    ] as const) {
      const { spec } = only(objects, 'ServiceMonitor', component);
      const service = only(objects, 'Service', component);
      expect(service.metadata.labels).toMatchObject(spec.selector.matchLabels);
      expect(service.spec.ports.map(({ name }: Rendered) => name)).toContain(port);
      expect(spec.endpoints).toEqual([
        expect.objectContaining({ port, path: '/metrics', interval: '30s', scrapeTimeout: '10s' }),
      ]);
      expect(spec.namespaceSelector).toEqual({ matchNames: ['ledger'] });
    }
    const pods = await render({ shape: 'irsa' });
    const monitor = only(pods, 'PodMonitor').spec;
    // Alerts and dashboards tell two releases of a namespace apart by it.
    const release = { action: 'replace', targetLabel: 'release', replacement: 'demo' };
    const endpoints = [...objects, ...pods].flatMap(
      ({ spec }) => spec?.endpoints ?? spec?.podMetricsEndpoints ?? [],
    );
    expect(endpoints.map(({ relabelings }) => relabelings)).toEqual(Array(4).fill([release]));
    expect(monitor.podMetricsEndpoints.map(({ port }: Rendered) => port)).toEqual(['http', 'metrics']);
    for (const component of ['api', 'worker']) {
      const { labels } = only(pods, 'Deployment', component).spec.template.metadata;
      expect(labels).toMatchObject(monitor.selector.matchLabels);
      expect(monitor.selector.matchExpressions[0].values).toContain(labels['app.kubernetes.io/component']);
    }
  });
});
