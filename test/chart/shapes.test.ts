import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { describeChart, only, type Rendered, render } from './helm.ts';

describeChart('the shapes', () => {
  it('KEDA scales by the largest figure of the release, beside a trigger of its own', async () => {
    const objects = await render({ shape: 'keda' });
    const { spec } = only(objects, 'ScaledObject');
    expect(only(objects, 'Deployment', 'worker').spec).not.toHaveProperty('replicas');
    expect(spec).toMatchObject({ minReplicaCount: 1, maxReplicaCount: 6, fallback: { replicas: 2 } });
    expect(spec.triggers.map(({ type }: Rendered) => type)).toEqual(['prometheus', 'cron']);
    expect(spec.triggers[0]).toMatchObject({
      metadata: {
        query: 'max(quartermaster_queue_oldest_ready_seconds{namespace="ledger",release="demo"})',
        threshold: '120',
        ignoreNullValues: 'false',
      },
      authenticationRef: { name: 'prometheus' },
    });
  });

  it('a pooler is passed by where it must be', async () => {
    const objects = await render({ shape: 'pooler' });
    for (const component of ['api', 'worker']) {
      const { env } = only(objects, 'Deployment', component).spec.template.spec.containers[0];
      const keys = env.map(({ name, valueFrom }: Rendered) => [name, valueFrom?.secretKeyRef?.key]);
      expect(Object.fromEntries(keys)).toMatchObject({
        ...{ QM_DATABASE_URL: 'pooler', QM_DIRECT_DATABASE_URL: 'direct', QM_REPLICA_URL: 'replica' },
        ...{ AWS_ACCESS_KEY_ID: 'AWS_ACCESS_KEY_ID', AWS_SECRET_ACCESS_KEY: 'AWS_SECRET_ACCESS_KEY' },
      });
      expect(env[0].valueFrom.secretKeyRef.name).toBe(`ledger-${component}`);
    }
  });

  it('a bucket is reached by API and workers with keys of their own, where there are such', async () => {
    const credentials = { secretName: 'both', api: { secretName: 'reader', accessKeyIdKey: 'id' } };
    const objects = await render({ values: { store: { s3: { credentials } } } });
    const keys = (component: string) =>
      only(objects, 'Deployment', component)
        .spec.template.spec.containers[0].env.filter(({ name }: Rendered) => String(name).startsWith('AWS_'))
        .map(({ valueFrom }: Rendered) => [valueFrom.secretKeyRef.name, valueFrom.secretKeyRef.key]);
    expect(keys('api')).toEqual([
      ['reader', 'id'],
      ['reader', 'AWS_SECRET_ACCESS_KEY'],
    ]);
    expect(keys('worker')).toEqual([
      ['both', 'AWS_ACCESS_KEY_ID'],
      ['both', 'AWS_SECRET_ACCESS_KEY'],
    ]);
  });

  it('a bucket without keys is reached by each ServiceAccount with its own role', async () => {
    const objects = await render({ shape: 'irsa' });
    for (const component of ['api', 'worker']) {
      const { spec } = only(objects, 'Deployment', component).spec.template;
      const account = objects.find(
        ({ kind, metadata }) => kind === 'ServiceAccount' && metadata.name === spec.serviceAccountName,
      );
      expect(account?.metadata.annotations).toEqual({
        'eks.amazonaws.com/role-arn': `arn:aws:iam::123456789012:role/ledger-${component}`,
      });
      expect(spec.containers[0].env.map(({ name }: Rendered) => name)).toEqual(['QM_DATABASE_URL']);
    }
  });

  it('the pod for people is of the role that owns the ledger, and does nothing by itself', async () => {
    const objects = await render({ shape: 'gateway' });
    const { spec } = only(objects, 'Deployment', 'toolbox').spec.template;
    const [container] = spec.containers;
    expect(spec.restartPolicy).toBe('Always');
    expect(container.env.at(-1)).toEqual({
      name: 'QM_DATABASE_URL',
      valueFrom: { secretKeyRef: { name: 'quartermaster-database', key: 'owner-url' } },
    });
    const { ingress, egress } = only(objects, 'NetworkPolicy', 'toolbox').spec;
    expect([ingress, egress.map((rule: Rendered) => rule.ports[0].port)]).toEqual([[], [53, 5432]]);
    const idle = spawn(process.execPath, container.command.slice(1));
    await once(idle, 'spawn');
    // It may not have set its handler yet; then it dies of the signal, which is an end too.
    idle.kill('SIGTERM');
    const [code, signal] = await once(idle, 'exit');
    expect(code === 0 || signal === 'SIGTERM').toBe(true);
  });

  it('a volume for one node brings all pods to one node, the first one wherever it fits', async () => {
    const objects = await render({ shape: 'single-node' });
    for (const component of ['api', 'worker']) {
      const { metadata, spec } = only(objects, 'Deployment', component).spec.template;
      const [term] = spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution;
      expect(term.topologyKey).toBe('kubernetes.io/hostname');
      // A pod that matches its own term may be the first.
      expect(metadata.labels).toMatchObject(term.labelSelector.matchLabels);
      expect(term.labelSelector.matchExpressions[0].values).toContain(component);
    }
    expect(only(objects, 'Deployment', 'worker').spec.strategy).toEqual({ type: 'Recreate' });
    expect(only(objects, 'Service', 'api').spec).toMatchObject({
      type: 'NodePort',
      ports: [{ nodePort: 30_070 }],
    });
    const { data } = only(
      objects.filter(({ metadata }) => metadata.name.endsWith('-worker')),
      'ConfigMap',
    );
    expect(data.QM_STORE).toBe('file:///var/lib/quartermaster/archive');
  });

  it('Services lead to the pods: one address for the API, each worker by itself', async () => {
    const objects = await render();
    for (const component of ['api', 'worker']) {
      const { spec } = only(objects, 'Service', component);
      expect(spec.selector).toEqual(only(objects, 'Deployment', component).spec.selector.matchLabels);
      expect(spec.type).toBe('ClusterIP');
      expect(spec.clusterIP).toBe(component === 'api' ? undefined : 'None');
    }
  });

  it('a user of the cluster instead of ours is a null, as OpenShift wants it', async () => {
    const values = { podSecurityContext: { runAsUser: null, runAsGroup: null, fsGroup: null } };
    const objects = await render({ values });
    expect(only(objects, 'Deployment', 'api').spec.template.spec.securityContext).toEqual({
      ...{
        runAsNonRoot: true,
        fsGroupChangePolicy: 'OnRootMismatch',
        seccompProfile: { type: 'RuntimeDefault' },
      },
    });
  });

  it('names of files, paths and addresses are no secrets', async () => {
    const extraEnv = ['AWS_WEB_IDENTITY_TOKEN_FILE', 'TOKEN_URL'].map((name) => ({
      name,
      value: '/var/run/x',
    }));
    const { env } = only(await render({ values: { api: { extraEnv } } }), 'Deployment', 'api').spec.template
      .spec.containers[0];
    expect(env.slice(-2)).toEqual(extraEnv);
  });
});
