import { expect, it } from 'vitest';
import { type Config, readConfig } from '../../src/platform/config.ts';
import { describeChart, only, type Rendered, render, shapes } from './helm.ts';

/** The environment of a container as Kubernetes makes it; what comes from a Secret is a URL of that Secret's name. */
function environmentOf(objects: readonly Rendered[], owner: Rendered): Record<string, string> {
  const [container] = owner.spec.template.spec.containers;
  const environment: Record<string, string> = {};
  for (const { configMapRef } of container.envFrom ?? []) {
    const map = objects.find(
      ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === configMapRef?.name,
    );
    Object.assign(environment, map?.data ?? {});
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    const { secretKeyRef } = valueFrom ?? {};
    environment[name] =
      value ?? `postgres://role:password@${secretKeyRef.name}/${secretKeyRef.key.replace(/\W/g, '_')}`;
  }
  return environment;
}

async function configs(options: { shape?: string; values?: object }): Promise<Config[]> {
  const objects = await render(options);
  const owners = objects.filter(({ kind }) => kind === 'Deployment' || kind === 'Job');
  return owners.map((owner) => readConfig(environmentOf(objects, owner)));
}

describeChart('the environment that the chart makes', () => {
  it.each(shapes)('is one with which every process starts: %s', async (shape) => {
    const found = await configs({ shape });
    expect(found.length).toBeGreaterThan(2);
    const [first] = found;
    for (const config of found) {
      expect(config.databaseUrl).toMatch(/^postgres:/);
      for (const same of ['timezone', 'ledgerSet', 'archiveApproval', 'store', 's3'] as const)
        expect(config[same]).toEqual(first?.[same]);
    }
  });

  it('says what the values say', async () => {
    const objects = await render({ shape: 'production' });
    const api = readConfig(environmentOf(objects, only(objects, 'Deployment', 'api')));
    expect(api).toMatchObject({
      ...{
        host: '0.0.0.0',
        port: 7070,
        cacheDir: '/var/cache/quartermaster',
        store: 's3://ledger-archives/payments',
      },
      ...{
        timezone: 'Europe/Paris',
        poolMax: 12,
        queueMax: 20_000,
        replicaCost: 2_000_000,
        dropQuarters: false,
      },
      s3: {
        region: 'eu-west-3',
        sse: 'aws:kms',
        kmsKey: 'alias/ledger',
        lockMode: 'COMPLIANCE',
        lockDays: 3650,
      },
    });
    expect(only(objects, 'Job').spec.template.spec.containers[0].args).toEqual(['migrate', 'up']);
    const pooled = await render({ shape: 'pooler' });
    const worker = readConfig(environmentOf(pooled, only(pooled, 'Deployment', 'worker')));
    expect(worker).toMatchObject({
      databaseUrl: 'postgres://role:password@ledger-worker/pooler?sslmode=disable',
      directDatabaseUrl: 'postgres://role:password@ledger-worker/direct?sslmode=disable',
      replicaUrl: 'postgres://role:password@ledger-worker/replica?sslmode=disable',
      s3: { endpoint: 'https://storage.example.com', pathStyle: true },
      workerPort: 7071,
    });
  });

  it('lets an API drain for five seconds unless it is told otherwise, wherever it is told', async () => {
    const drain = async (values: object) => {
      const objects = await render({ values });
      return ['api', 'worker'].map(
        (component) => environmentOf(objects, only(objects, 'Deployment', component)).QM_DRAIN,
      );
    };
    expect(await drain({})).toEqual(['5', undefined]);
    expect(await drain({ config: { QM_DRAIN: 12 } })).toEqual(['12', '12']);
    expect(await drain({ api: { config: { QM_DRAIN: 0 } } })).toEqual(['0', undefined]);
  });

  it('takes each switch as a word and as what YAML makes of it', async () => {
    const switches = {
      QM_REINDEX: false,
      QM_DROP_QUARTERS: 'off',
      QM_CREATE_QUARTERS: true,
      QM_ARCHIVE_QUARTERS: 'on',
    };
    for (const config of await configs({ values: { config: switches } }))
      expect(config).toMatchObject({
        reindex: false,
        dropQuarters: false,
        createQuarters: true,
        archiveQuarters: true,
      });
  });
});
