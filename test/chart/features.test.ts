import { beforeAll, describe, expect, it } from 'vitest';
import { chartCopy, describeChart, hasHelm, only, type Rendered, render } from './helm.ts';

const sorted = (objects: readonly Rendered[]) =>
  objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`).toSorted();

const least = [
  'ConfigMap demo-quartermaster-api',
  'ConfigMap demo-quartermaster-worker',
  'Deployment demo-quartermaster-api',
  'Deployment demo-quartermaster-worker',
  'Job demo-quartermaster-migrate',
  'Pod demo-quartermaster-test',
  'PodDisruptionBudget demo-quartermaster-api',
  'PodDisruptionBudget demo-quartermaster-worker',
  'Service demo-quartermaster-api',
  'Service demo-quartermaster-worker',
  'ServiceAccount demo-quartermaster-api',
  'ServiceAccount demo-quartermaster-worker',
];

/** What each switch adds to the least, or takes from it. */
const switches: readonly [string, object, readonly string[], readonly string[]][] = [
  [
    'the autoscaler',
    { api: { autoscaling: { enabled: true } }, database: { maxConnections: 200 } },
    ['HorizontalPodAutoscaler demo-quartermaster-api'],
    [],
  ],
  [
    'KEDA',
    {
      worker: { keda: { enabled: true, prometheus: { serverAddress: 'http://p' } } },
      database: { maxConnections: 200 },
    },
    ['ScaledObject demo-quartermaster-worker'],
    [],
  ],
  ['the Ingress', { ingress: { enabled: true, hosts: ['a.b'] } }, ['Ingress demo-quartermaster-api'], []],
  [
    'the route',
    { httpRoute: { enabled: true, parentRefs: [{ name: 'g' }] } },
    ['HTTPRoute demo-quartermaster-api'],
    [],
  ],
  [
    'policies',
    { networkPolicy: { enabled: true } },
    ['api', 'worker', 'test'].map((component) => `NetworkPolicy demo-quartermaster-${component}`),
    [],
  ],
  [
    'service monitors',
    { metrics: { serviceMonitor: { enabled: true } } },
    ['ServiceMonitor demo-quartermaster-api', 'ServiceMonitor demo-quartermaster-worker'],
    [],
  ],
  ['the pod monitor', { metrics: { podMonitor: { enabled: true } } }, ['PodMonitor demo-quartermaster'], []],
  [
    'the alerts',
    { metrics: { prometheusRule: { enabled: true } } },
    ['PrometheusRule demo-quartermaster'],
    [],
  ],
  [
    'the dashboards',
    { metrics: { dashboards: { enabled: true } } },
    ['ConfigMap demo-quartermaster-dashboard-finance', 'ConfigMap demo-quartermaster-dashboard-ops'],
    [],
  ],
  ['the toolbox', { toolbox: { enabled: true } }, ['Deployment demo-quartermaster-toolbox'], []],
  ['no migration', { migrations: { mode: 'none' } }, [], ['Job demo-quartermaster-migrate']],
  ['no test', { tests: { enabled: false } }, [], ['Pod demo-quartermaster-test']],
  [
    'no budget',
    { api: { podDisruptionBudget: { enabled: false } } },
    [],
    ['PodDisruptionBudget demo-quartermaster-api'],
  ],
  ['one pod', { worker: { replicas: 1 } }, [], ['PodDisruptionBudget demo-quartermaster-worker']],
  [
    'accounts that exist',
    { api: { serviceAccount: { create: false, name: 'reader' } } },
    [],
    ['ServiceAccount demo-quartermaster-api'],
  ],
];

describeChart('a switch', () => {
  const place = chartCopy();

  it('that is off leaves nothing behind', async () => {
    expect(sorted(await render({ chart: place }))).toEqual(least);
  });

  it.each(switches)('makes what it is for and nothing else: %s', async (_, values, more, less) => {
    const wanted = [...least, ...more].filter((name) => !less.includes(name));
    expect(sorted(await render({ chart: place, values }))).toEqual(wanted.toSorted());
  });

  it('under a chart above it takes what Helm gives it', async () => {
    const objects = await render({ chart: place, values: { global: { anything: true }, enabled: true } });
    expect(sorted(objects)).toEqual(least);
  });

  it('is off for good where there are neither alerts nor dashboards', async () => {
    const values = { metrics: { prometheusRule: { enabled: true } } };
    expect(sorted(await render({ chart: chartCopy({ 'files/alerts.yaml': '' }), values }))).toEqual(least);
  });
});

describeChart('in production', () => {
  let objects: Rendered[] = [];
  let plain: Rendered[] = [];
  const api = () => only(objects, 'Deployment', 'api').spec;

  beforeAll(async () => {
    if (!hasHelm) return;
    objects = await render({ chart: chartCopy(), shape: 'production' });
    plain = await render();
  });

  it('the autoscaler has the number of pods, and the Deployment none that would undo it', () => {
    expect(api()).not.toHaveProperty('replicas');
    const { spec } = only(objects, 'HorizontalPodAutoscaler');
    expect(spec).toMatchObject({
      minReplicas: 3,
      maxReplicas: 6,
      behavior: { scaleDown: expect.anything() },
    });
    expect(spec.scaleTargetRef).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      name: 'demo-quartermaster-api',
    });
    expect(spec.metrics.map((metric: Rendered) => [metric.type, metric.containerResource?.name])).toEqual([
      ['ContainerResource', 'cpu'],
      ['ContainerResource', 'memory'],
      ['Pods', undefined],
    ]);
  });

  it('pods are placed as they are told, and are spread where they are told nothing', () => {
    expect(api().template.spec).toMatchObject({
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      tolerations: [{ key: 'ledger' }],
      affinity: { nodeAffinity: expect.anything() },
      priorityClassName: 'payments',
      runtimeClassName: 'gvisor',
      topologySpreadConstraints: [
        { whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: api().selector.matchLabels } },
      ],
    });
    const { spec } = only(plain, 'Deployment', 'worker').spec.template;
    expect(
      spec.topologySpreadConstraints.map((one: Rendered) => [one.topologyKey, one.whenUnsatisfiable]),
    ).toEqual([
      ['topology.kubernetes.io/zone', 'ScheduleAnyway'],
      ['kubernetes.io/hostname', 'ScheduleAnyway'],
    ]);
  });

  it('what is given beside it is beside it: variables, volumes, labels, annotations, objects', () => {
    const { metadata, spec } = api().template;
    expect(metadata.labels).toMatchObject({ 'example.com/zone': 'inner', team: 'payments' });
    expect(metadata.annotations).toMatchObject({
      'example.com/mesh': 'off',
      'example.com/owner': 'payments',
    });
    expect(spec.containers[0].env).toContainEqual({
      name: 'OTEL_EXPORTER_OTLP_ENDPOINT',
      value: 'http://collector.tracing.svc:4318',
    });
    // Of two the last one counts: settings are those of the chart.
    expect(spec.containers[0].envFrom).toEqual([
      { configMapRef: { name: 'proxies', optional: true } },
      { configMapRef: { name: 'demo-quartermaster-api' } },
    ]);
    expect(spec.volumes.at(-1)).toEqual({ name: 'extra', emptyDir: {} });
    expect(spec.containers[0].volumeMounts.at(-1)).toEqual({ name: 'extra', mountPath: '/extra' });
    expect(spec.imagePullSecrets).toEqual([{ name: 'registry' }]);
    expect(spec.containers[0].image).toMatch(
      /^registry\.example\.com\/quartermaster:0\.1\.0@sha256:[0-9a-f]{64}$/,
    );
    const extra = objects.find((object) => object.metadata.name === 'demo-quartermaster-extra');
    expect(extra?.data).toEqual({ release: 'demo' });
    expect(sorted(objects)).toContain('ConfigMap demo-quartermaster-text');
  });

  it('the authority of the database is trusted by every process', () => {
    for (const object of [...objects.filter(({ kind }) => kind === 'Deployment'), only(objects, 'Job')]) {
      const { containers, volumes } = object.spec.template.spec;
      expect(containers[0].env).toContainEqual({
        name: 'NODE_EXTRA_CA_CERTS',
        value: '/etc/quartermaster/db-ca/ca.crt',
      });
      expect(containers[0].volumeMounts).toContainEqual({
        name: 'ca',
        mountPath: '/etc/quartermaster/db-ca',
        readOnly: true,
      });
      expect(volumes).toContainEqual({
        ...{ name: 'ca', configMap: { name: 'database-ca', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      });
    }
  });

  it('what YAML and Helm make of a value is what the program reads', () => {
    const { data } = only(
      objects.filter(({ metadata }) => metadata.name === 'demo-quartermaster-api'),
      'ConfigMap',
    );
    expect(data).toMatchObject({
      QM_DROP_QUARTERS: 'off',
      QM_REPLICA_COST: '2000000',
      QM_POOL_MAX: '12',
      QM_DRAIN: '5',
    });
    expect(Object.values(data).every((text) => typeof text === 'string')).toBe(true);
  });

  it('neither metrics nor probes are led in from outside', async () => {
    const [rule] = only(objects, 'Ingress').spec.rules;
    expect(rule.http.paths.map(({ path }: { path: string }) => path)).toEqual([
      '/v1',
      '/console',
      '/docs',
      '/openapi.json',
    ]);
    const route = only(await render({ shape: 'gateway' }), 'HTTPRoute').spec;
    expect(route.rules[0].matches.map((match: Rendered) => match.path)).toEqual(
      ['/v1', '/console', '/docs', '/openapi.json'].map((value) => ({ type: 'PathPrefix', value })),
    );
    expect(route.rules[0].backendRefs).toEqual([{ name: 'ledger-api', port: 7070 }]);
  });

  it('policies let in who is named, the test of the release, and nobody else', async () => {
    const from = (policy: Rendered) => policy.spec.ingress.flatMap((rule: Rendered) => rule.from);
    const namespaces = (policy: Rendered) =>
      from(policy).map(
        (peer: Rendered) => peer.namespaceSelector?.matchLabels['kubernetes.io/metadata.name'] ?? 'test',
      );
    expect(namespaces(only(objects, 'NetworkPolicy', 'api'))).toEqual([
      'monitoring',
      'ingress-nginx',
      'test',
    ]);
    expect(namespaces(only(objects, 'NetworkPolicy', 'worker'))).toEqual(['monitoring', 'test']);
    const alone = await render({ values: { networkPolicy: { enabled: true }, tests: { enabled: false } } });
    // No rule lets in nobody; a rule with an empty list would let in everybody.
    for (const component of ['api', 'worker'])
      expect(only(alone, 'NetworkPolicy', component).spec.ingress).toEqual([]);
    const ports = only(objects, 'NetworkPolicy', 'api').spec.egress.map(
      (rule: Rendered) => rule.ports[0].port,
    );
    expect(ports).toEqual([53, 5432, 443, 4318]);
    const job = only(await render({ shape: 'gitops' }), 'NetworkPolicy', 'migrate').spec;
    expect(job.egress.map((rule: Rendered) => rule.ports[0].port)).toEqual([53, 5432]);
  });
});

describe('the list of switches', () => {
  it('has no switch twice', () => {
    expect(new Set(switches.map(([name]) => name)).size).toBe(switches.length);
  });
});
