import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import {
  chart,
  chartCopy,
  describeChart,
  helms,
  type Rendered,
  render,
  runHelm,
  shapes,
  tryRender,
} from './helm.ts';
import { modelFault, typeFaults } from './models.ts';

const apis = [
  ...['monitoring.coreos.com/v1', 'keda.sh/v1alpha1', 'gateway.networking.k8s.io/v1'],
  ...['autoscaling/v2', 'policy/v1'],
];

describeChart('the chart, with Helm 3 and Helm 4,', () => {
  it.each(helms)('is clean to %s lint --strict, without values and in every shape', async (helm) => {
    for (const shape of [undefined, ...shapes]) {
      const values = shape === undefined ? [] : ['--values', join(chart, 'ci', `${shape}-values.yaml`)];
      const { code, out, err } = await runHelm(helm, ['lint', '--strict', chart, ...values]);
      expect({ shape, code, out, err }).toMatchObject({ code: 0 });
      expect(out).not.toMatch(/\[(WARNING|ERROR)\]/);
    }
  });

  it('renders the same with both, on every version of Kubernetes from 1.27 on, whatever it offers', async () => {
    const place = chartCopy();
    for (const shape of shapes) {
      const first = await render({ chart: place, shape, args: ['--kube-version', '1.27.0'] });
      expect(first.length).toBeGreaterThan(5);
      for (const helm of helms) {
        for (const version of ['1.30.4', 'v1.35.1-gke.100']) {
          const args = ['--kube-version', version, ...apis.flatMap((api) => ['--api-versions', api])];
          expect(await render({ helm, chart: place, shape, args })).toEqual(first);
        }
      }
    }
  });

  it.each(helms)('says to %s that an older Kubernetes will not do', async (helm) => {
    const { code, err } = await tryRender({ helm, args: ['--kube-version', '1.26.9'] });
    expect(code).toBe(1);
    expect(err).toContain('chart requires kubeVersion: >=1.27.0-0');
  });
});

describeChart('every object', () => {
  const objects: Rendered[] = [];

  beforeAll(async () => {
    const place = chartCopy();
    // What the shapes leave out.
    const more = {
      metrics: {
        serviceMonitor: { enabled: false },
        podMonitor: { enabled: true, relabelings: [{ action: 'labelmap' }] },
      },
      api: {
        service: {
          type: 'LoadBalancer',
          loadBalancerSourceRanges: ['10.0.0.0/8', 'fd00::/8'],
          externalTrafficPolicy: 'Local',
        },
      },
      migrations: { mode: 'job', ttlSecondsAfterFinished: 3600, tolerations: [{ operator: 'Exists' }] },
    };
    const all = [...shapes.map((shape) => ({ shape })), { shape: 'production', values: more }];
    for (const options of all) objects.push(...(await render({ chart: place, ...options })));
  });

  it('has the types of Kubernetes, the Prometheus operator, KEDA and the Gateway API, and no unknown field', async () => {
    const kinds = [
      ...[
        'ConfigMap',
        'Deployment',
        'HTTPRoute',
        'HorizontalPodAutoscaler',
        'Ingress',
        'Job',
        'NetworkPolicy',
      ],
      ...['Pod', 'PodDisruptionBudget', 'PodMonitor', 'PrometheusRule', 'ScaledObject', 'Service'],
      ...['ServiceAccount', 'ServiceMonitor'],
    ];
    expect([...new Set(objects.map(({ kind }) => kind))].toSorted()).toEqual(kinds);
    expect(await typeFaults(objects, 'rendered')).toBe('');
  });

  it('passes the schemas of the same models', async () => {
    const faults = await Promise.all(objects.map(modelFault));
    expect(faults.filter((fault) => fault !== undefined)).toEqual([]);
  });

  it('would not, with a field that nobody knows or a value that is out of range', async () => {
    const [deployment] = objects.filter(({ kind }) => kind === 'Deployment');
    const monitor = objects.find(({ kind }) => kind === 'ServiceMonitor');
    const scaled = objects.find(({ kind }) => kind === 'ScaledObject');
    const wrong = [deployment, monitor, scaled].map((object) => ({
      ...object,
      spec: { ...object?.spec, sepc: 1 },
    }));
    const faults = await typeFaults(wrong as Rendered[], 'wrong');
    expect(faults.match(/"sepc"' does not exist/g)).toHaveLength(3);
    const broken = { ...deployment, spec: { ...deployment?.spec, replicas: 'two' } } as Rendered;
    expect(await modelFault(broken)).toContain('replicas');
  });
});
