import { beforeAll, describe, expect, it } from 'vitest';
import { chartCopy, describeChart, hasHelm, only, podsOf, type Rendered, render, shapes } from './helm.ts';
import { restrictedFaults } from './restricted.ts';

const every = new Map<string, Rendered[]>();
const all = () => [...every.values()].flat();

beforeAll(async () => {
  if (!hasHelm) return;
  const place = chartCopy();
  for (const shape of shapes) every.set(shape, await render({ chart: place, shape }));
});

/** The names of this kind that an object takes from elsewhere, wherever in it they stand. */
function named(value: unknown, keys: readonly string[]): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    ...(keys.includes(key) ? [typeof inner === 'string' ? inner : inner.name] : []),
    ...named(inner, keys),
  ]);
}

const references = [
  ...['configMapRef', 'configMapKeyRef', 'configMap', 'secretRef', 'secretKeyRef', 'secretName'],
  ...['serviceAccountName', 'claimName', 'imagePullSecrets'],
];

describeChart('the migration', () => {
  it('needs nothing that the chart makes, as a hook and as a Job', () => {
    for (const [shape, objects] of every) {
      if (shape === 'gateway') continue;
      const made = objects.map(({ metadata }) => metadata.name);
      const job = only(objects, 'Job');
      expect(named(job, references)).not.toEqual([]);
      expect(named(job, references).filter((name) => made.includes(name))).toEqual([]);
      expect(job.spec.template.spec.containers[0].envFrom).toBeUndefined();
    }
  });

  it('has every setting of the API and of workers that is no matter of theirs, written out', () => {
    const objects = every.get('production') ?? [];
    const env = only(objects, 'Job').spec.template.spec.containers[0].env as {
      name: string;
      value?: string;
    }[];
    expect(Object.fromEntries(env.map(({ name, value }) => [name, value]))).toMatchObject({
      QM_TIMEZONE: 'Europe/Paris',
      QM_LEDGER_SET: 'payments',
      QM_REPLICA_COST: '2000000',
      QM_DROP_QUARTERS: 'off',
      QM_STORE: 's3://ledger-archives/payments',
      QM_POOL_MAX: '8',
      NODE_EXTRA_CA_CERTS: '/etc/quartermaster/db-ca/ca.crt',
    });
    expect(env.find(({ name }) => name === 'QM_DATABASE_URL')).toMatchObject({
      valueFrom: { secretKeyRef: { name: 'quartermaster-database', key: 'owner-url' } },
    });
    expect(env.map(({ name }) => name)).not.toContain('AWS_SECRET_ACCESS_KEY');
  });

  it('comes before an install, an upgrade and a rollback, and its last run stays to be read', () => {
    const { metadata, spec } = only(every.get('minimal') ?? [], 'Job');
    expect(metadata.name).toBe('demo-quartermaster-migrate');
    expect(metadata.annotations).toEqual({
      'helm.sh/hook': 'pre-install,pre-upgrade,pre-rollback',
      'helm.sh/hook-weight': '-5',
      'helm.sh/hook-delete-policy': 'before-hook-creation',
    });
    expect(spec.template.spec.restartPolicy).toBe('Never');
    expect(spec.ttlSecondsAfterFinished).toBeUndefined();
  });

  it('as a Job has another name when anything in it is other or it is to run again, and only then', async () => {
    const name = async (values: object, shape = 'gitops') =>
      only(await render({ shape, values }), 'Job').metadata;
    const first = await name({});
    expect(first.name).toMatch(/^demo-quartermaster-migrate-[0-9a-f]{8}$/);
    expect(first.annotations).toEqual({ 'argocd.argoproj.io/sync-wave': '-1' });
    expect((await name({ api: { replicas: 5 }, database: { maxConnections: 500 } })).name).toBe(first.name);
    const others = [
      { image: { tag: '0.2.0' } },
      { config: { QM_TIMEZONE: 'Asia/Tokyo' } },
      { tmp: { sizeLimit: '1Gi' } },
      { migrations: { backoffLimit: 9 } },
      { migrations: { run: '2' } },
    ];
    const names = await Promise.all(others.map(async (values) => (await name(values)).name));
    expect(new Set([first.name, ...names]).size).toBe(others.length + 1);
  });
});

describeChart('secrets', () => {
  it('are in no object: the chart makes no Secret, and no text holds a password', () => {
    expect(all().filter(({ kind }) => kind === 'Secret')).toEqual([]);
    expect(all().filter((object) => /:\/\/[^"/@\s]*:[^"/@\s]+@/.test(JSON.stringify(object)))).toEqual([]);
  });

  it('reach a container by name alone', () => {
    const secret = /DATABASE_URL|REPLICA_URL|AWS_.*KEY/;
    const variables = podsOf(all()).flatMap(({ spec }) => spec.containers.flatMap(({ env = [] }) => env));
    const found = variables.filter(({ name }) => secret.test(name));
    expect(found.length).toBeGreaterThan(20);
    expect(found.filter(({ value, valueFrom }) => value !== undefined || !valueFrom?.secretKeyRef)).toEqual(
      [],
    );
    const maps = all().filter(({ kind }) => kind === 'ConfigMap');
    expect(maps.flatMap(({ data }) => Object.keys(data ?? {})).filter((name) => secret.test(name))).toEqual(
      [],
    );
  });
});

describeChart('pods', () => {
  it('satisfy the restricted Pod Security Standard, and more', () => {
    const pods = podsOf(all());
    expect(pods.length).toBeGreaterThan(25);
    expect(pods.flatMap(({ of, spec }) => restrictedFaults(spec).map((fault) => `${of}: ${fault}`))).toEqual(
      [],
    );
    for (const { spec } of pods) {
      expect(spec).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
      expect(spec.securityContext).toMatchObject({ runAsUser: 10_001, runAsGroup: 10_001 });
      for (const container of spec.containers) {
        expect(container.securityContext.readOnlyRootFilesystem).toBe(true);
        expect(container.resources).toMatchObject({
          requests: { cpu: /./, memory: /./ },
          limits: { memory: /./ },
        });
      }
    }
  });

  it('live by what asks nothing and serve by what asks everything, each on its own port', () => {
    for (const objects of every.values()) {
      for (const [component, port, number] of [
        ['api', 'http', 7070],
        ['worker', 'metrics', 7071],
      ] as const) {
        const [container] = only(objects, 'Deployment', component).spec.template.spec.containers;
        expect(container.args).toEqual([component]);
        expect(container.ports).toEqual([{ name: port, containerPort: number, protocol: 'TCP' }]);
        expect(container.startupProbe.httpGet).toEqual({ path: '/healthz', port });
        expect(container.livenessProbe.httpGet).toEqual({ path: '/healthz', port });
        expect(container.readinessProbe.httpGet).toEqual({ path: '/readyz', port });
      }
    }
  });

  it('write where there is room and nowhere else', () => {
    const { spec } = only(every.get('minimal') ?? [], 'Deployment', 'worker').spec.template;
    expect(spec.containers[0].volumeMounts).toEqual([
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'cache', mountPath: '/var/cache/quartermaster' },
    ]);
    expect(spec.volumes).toEqual([
      { name: 'tmp', emptyDir: { sizeLimit: '4Gi' } },
      { name: 'cache', emptyDir: { sizeLimit: '5Gi' } },
    ]);
    const disk = only(every.get('single-node') ?? [], 'Deployment', 'worker').spec.template.spec;
    expect(disk.volumes.at(-1)).toEqual({
      name: 'archive',
      persistentVolumeClaim: { claimName: 'ledger-archives' },
    });
    expect(disk.containers[0].volumeMounts.at(-1)).toEqual({
      ...{ name: 'archive', mountPath: '/var/lib/quartermaster/archive', subPath: 'archives' },
    });
    // Only workers write archives.
    const reader = only(every.get('single-node') ?? [], 'Deployment', 'api').spec.template.spec;
    expect(reader.containers[0].volumeMounts.at(-1)).toMatchObject({ name: 'archive', readOnly: true });
  });

  it('are given ten seconds more to stop than they take', async () => {
    const grace = async (values: object) => {
      const objects = await render({ values });
      return ['api', 'worker'].map(
        (component) =>
          only(objects, 'Deployment', component).spec.template.spec.terminationGracePeriodSeconds,
      );
    };
    expect(await grace({})).toEqual([35, 35]);
    expect(await grace({ config: { QM_STOP_WITHIN: 60 } })).toEqual([70, 70]);
    expect(await grace({ worker: { config: { QM_STOP_WITHIN: 300 } } })).toEqual([35, 310]);
  });

  it('are made anew when a setting of theirs changes, and only then', async () => {
    const sums = async (values: object) => {
      const objects = await render({ values });
      return ['api', 'worker'].map(
        (component) =>
          only(objects, 'Deployment', component).spec.template.metadata.annotations[
            'checksum/config'
          ] as string,
      );
    };
    const [api, worker] = await sums({});
    expect(api).toMatch(/^[0-9a-f]{64}$/);
    expect(await sums({ worker: { replicas: 9 }, database: { maxConnections: 500 } })).toEqual([api, worker]);
    expect(await sums({ worker: { config: { QM_POOL_MAX: 5 } } })).toEqual([
      api,
      expect.not.stringMatching(worker ?? ''),
    ]);
    expect(await sums({ api: { config: { QM_POOL_MAX: 5 } } })).toEqual([
      expect.not.stringMatching(api ?? ''),
      worker,
    ]);
    for (const sum of await sums({ config: { QM_POOL_MAX: 5 } })) expect([api, worker]).not.toContain(sum);
  });
});

describe('the checks of this file', () => {
  it('are able to fail', () => {
    expect(named({ a: [{ secretKeyRef: { name: 'x' } }], serviceAccountName: 'y' }, references)).toEqual([
      'x',
      'y',
    ]);
    const faults = restrictedFaults({
      hostNetwork: true,
      volumes: [{ name: 'a', hostPath: { path: '/' } }],
      containers: [
        {
          name: 'c',
          ports: [{ hostPort: 80 }],
          securityContext: { privileged: true, capabilities: { add: ['SYS_ADMIN'] } },
        },
      ],
    });
    expect(faults).toEqual([
      'hostNetwork',
      'volume a is hostPath',
      'c: privileged',
      'c: hostPort',
      'c: may gain privileges',
      'c: adds SYS_ADMIN',
      'c: keeps capabilities',
      'c: may run as root',
      'c: no seccomp profile',
    ]);
  });
});
