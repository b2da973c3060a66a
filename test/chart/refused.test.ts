import { expect, it } from 'vitest';
import { chartCopy, describeChart, refusals, tryRender } from './helm.ts';

/** Values that are wrong by themselves, and what the schema says: a pattern that both majors of Helm answer to. */
const bySchema: readonly [string, object, RegExp][] = [
  ['a value that does not exist', { image: { repositry: 'x' } }, /repositry'? (is )?not allowed/],
  ['one at the top', { replicaCount: 3 }, /replicaCount'? (is )?not allowed/],
  ['one deep down', { metrics: { serviceMonitor: { intervall: '1m' } } }, /intervall'? (is )?not allowed/],
  ['a password', { database: { api: { password: 'secret' } } }, /password'? (is )?not allowed/],
  [
    'the URL of a database',
    { database: { worker: { url: 'postgres://a:b@c/d' } } },
    /url'? (is )?not allowed/,
  ],
  ['a key of the store', { store: { s3: { secretAccessKey: 'x' } } }, /secretAccessKey'? (is )?not allowed/],
  ['a setting that does not exist', { config: { QM_POL_MAX: 3 } }, /QM_POL_MAX'? (is )?not allowed/],
  ['a setting that the chart gives', { config: { QM_PORT: 80 } }, /QM_PORT'? (is )?not allowed/],
  [
    'a database as a setting',
    { config: { QM_DATABASE_URL: 'postgres://a:b@c/d' } },
    /QM_DATABASE_URL'? (is )?not/,
  ],
  [
    'a setting out of its range',
    { config: { QM_POOL_MAX: 1 } },
    /QM_POOL_MAX.*(greater than or equal to|want) 2/,
  ],
  [
    'a setting that is no number',
    { worker: { config: { QM_POOL_MAX: 'ten' } } },
    /worker.config.QM_POOL_MAX/,
  ],
  ['a setting that is none of its words', { config: { QM_LOG_LEVEL: 'loud' } }, /config.QM_LOG_LEVEL/],
  ['a password in a URL', { config: { QM_JWKS_URL: 'https://a:b@c' } }, /config.QM_JWKS_URL/],
  ['a zone with a space', { config: { QM_TIMEZONE: 'Europe / Paris' } }, /config.QM_TIMEZONE/],
  ['a half number', { api: { replicas: 1.5 } }, /api.replicas/],
  ['fewer than no pods', { api: { replicas: -1 } }, /api.replicas/],
  ['a digest that is none', { image: { digest: 'latest' } }, /image.digest/],
  ['a name with capitals', { fullnameOverride: 'Ledger' }, /fullnameOverride/],
  ['a name with a dot', { nameOverride: 'led.ger' }, /nameOverride/],
  ['a tag in the repository', { image: { repository: 'registry:5000/ledger:1' } }, /image.repository/],
  ['no worker at all with KEDA', { worker: { keda: { minReplicaCount: 0 } } }, /minReplicaCount/],
  ['an unknown mode', { migrations: { mode: 'always' } }, /migrations.mode/],
  ['a number as a hook weight', { migrations: { hookWeight: -5 } }, /migrations.hookWeight/],
  ['an unknown store', { store: { type: 'gcs' } }, /store.type/],
  ['a bucket with capitals', { store: { s3: { bucket: 'Archives' } } }, /store.s3.bucket/],
  ['an endpoint with a key', { store: { s3: { endpoint: 'https://k:s@x' } } }, /store.s3.endpoint/],
  ['a claim of one pod', { store: { file: { accessMode: 'ReadWriteOncePod' } } }, /store.file.accessMode/],
  ['an annotation that is no text', { api: { podAnnotations: { a: true } } }, /api.podAnnotations.a/],
  ['a size in words', { cache: { sizeLimit: 'much' } }, /cache.sizeLimit/],
  ['a path without a slash', { ingress: { paths: ['v1'] } }, /ingress.paths/],
  ['no port at all', { networkPolicy: { egress: { databasePorts: [] } } }, /databasePorts/],
  ['a probe of its own', { api: { livenessProbe: { exec: {} } } }, /exec'? (is )?not allowed/],
  ['an interval without a unit', { metrics: { podMonitor: { interval: '30' } } }, /podMonitor.interval/],
  [
    'a Job that stays in the way',
    { migrations: { hookDeletePolicy: 'hook-succeeded' } },
    /migrations.hookDeletePolicy/,
  ],
  ['no secret for the database', { database: { migrate: { secretName: '' } } }, /migrate.secretName/],
];

/** Values that are wrong together, and the sentence that says so. */
const byTemplates: readonly [string, object, string][] = [
  ['no image', { image: { repository: '' } }, 'image.repository must say where the image is'],
  ['no store', { store: { type: '' } }, 'store.type must say where archives live: s3 or file'],
  ['no bucket', { store: { s3: { bucket: '' } } }, 'store.s3.bucket must name the bucket'],
  [
    'archives that die with a pod',
    { store: { type: 'file', s3: { bucket: '' } } },
    'store.file.existingClaim must name a PersistentVolumeClaim',
  ],
  ['two stores', { store: { file: { existingClaim: 'x' } } }, 'store.type is s3: give one store'],
  [
    'two stores, the other way',
    { store: { type: 'file', file: { existingClaim: 'x' } } },
    'store.type is file: give',
  ],
  [
    'a volume for one node and two pods',
    {
      store: { type: 'file', s3: { bucket: '' }, file: { existingClaim: 'x', accessMode: 'ReadWriteOnce' } },
    },
    'store.file.accessMode is ReadWriteOnce, which one node can mount, but there are up to 2 worker pods',
  ],
  [
    'a volume for one node and a scaled API',
    {
      store: { type: 'file', s3: { bucket: '' }, file: { existingClaim: 'x', accessMode: 'ReadWriteOnce' } },
      api: { replicas: 1, autoscaling: { enabled: true } },
      worker: { replicas: 1 },
    },
    'but there are up to 6 api pods',
  ],
  [
    'a lock without days',
    { store: { s3: { lockMode: 'COMPLIANCE' } } },
    'lockDays must be given together with',
  ],
  [
    'days without a lock',
    { store: { s3: { lockDays: 5 } } },
    'lockMode must be given together with store.s3.lockDays',
  ],
  ['a key without its encryption', { store: { s3: { kmsKey: 'k' } } }, 'store.s3.sse must be aws:kms where'],
  [
    'a part of the tokens',
    { config: { QM_JWT_ISSUER: 'x' } },
    'QM_JWT_AUDIENCE must be given together, or none',
  ],
  [
    'two authorities',
    { database: { ca: { secretName: 'a', configMapName: 'b' } } },
    'are both given: give one',
  ],
  [
    'a setting that must be the same everywhere',
    { worker: { config: { QM_TIMEZONE: 'UTC' } } },
    'worker.config.QM_TIMEZONE: this is the same for every process, so give it as config.QM_TIMEZONE',
  ],
  [
    'a setting as a variable',
    { api: { extraEnv: [{ name: 'QM_POOL_MAX', value: '3' }] } },
    'api.extraEnv has QM_POOL_MAX: give settings under config',
  ],
  [
    'a password in a variable',
    { worker: { extraEnv: [{ name: 'PROXY', value: 'http://me:secret@proxy' }] } },
    'worker.extraEnv has a secret in PROXY',
  ],
  [
    'a token in a variable',
    { migrations: { extraEnv: [{ name: 'API_TOKEN', value: 'abc' }] } },
    'migrations.extraEnv has a secret in API_TOKEN',
  ],
  [
    'a token in the headers of traces',
    { api: { extraEnv: [{ name: 'OTEL_EXPORTER_OTLP_HEADERS', value: 'authorization=Bearer x' }] } },
    'api.extraEnv has a secret in OTEL_EXPORTER_OTLP_HEADERS',
  ],
  [
    'a kill that comes too soon',
    { worker: { terminationGracePeriodSeconds: 20 } },
    'worker.terminationGracePeriodSeconds is 20, but a process takes up to 25 seconds to stop',
  ],
  [
    'a drain that leaves no time',
    { api: { config: { QM_DRAIN: 21 } } },
    'api: QM_DRAIN is 21, which must leave 5 of the 25 seconds of QM_STOP_WITHIN',
  ],
  [
    'a cache without room',
    { cache: { sizeLimit: '4Gi' } },
    'cache.sizeLimit is 4Gi, but api pods keep up to 4096 MiB there (QM_CACHE_MAX_MIB) and would be evicted',
  ],
  ...['4G', '4294967k', 4294967296].map((sizeLimit): [string, object, string] => [
    `a cache without room, in another unit: ${sizeLimit}`,
    { cache: { sizeLimit } },
    `cache.sizeLimit is ${sizeLimit}, but api pods keep up to 4096 MiB there`,
  ]),
  [
    'too many connections',
    { config: { QM_POOL_MAX: 9 } },
    'the pods together may open 100 connections (with database.otherConnections), but database.maxConnections is 100, of which 3 are for superusers',
  ],
  [
    'fewer than the fewest pods',
    { api: { autoscaling: { enabled: true, minReplicas: 9 } } },
    'minReplicas is more than',
  ],
  [
    'nothing to scale by',
    { api: { autoscaling: { enabled: true, targetCPUUtilizationPercentage: null } } },
    'api.autoscaling has no target',
  ],
  [
    'a share of nothing',
    { api: { autoscaling: { enabled: true }, resources: { requests: { cpu: null } } } },
    'but api.resources.requests.cpu is not given',
  ],
  ['nothing for KEDA to go by', { worker: { keda: { enabled: true } } }, 'worker.keda has nothing to go by'],
  [
    'fewer workers than the fewest',
    { worker: { keda: { enabled: true, minReplicaCount: 5, prometheus: { serverAddress: 'http://p' } } } },
    'worker.keda.minReplicaCount is more than maxReplicaCount',
  ],
  [
    'a budget that lets no node go',
    { api: { podDisruptionBudget: { maxUnavailable: null, minAvailable: 2 } } },
    'api.podDisruptionBudget.minAvailable is 2 of 2 pods: no node with such a pod could ever be drained',
  ],
  [
    'a budget of nothing',
    { worker: { podDisruptionBudget: { maxUnavailable: 0 } } },
    'maxUnavailable is 0: no node',
  ],
  ['an Ingress for every host', { ingress: { enabled: true } }, 'ingress.hosts is empty'],
  ['a route of no Gateway', { httpRoute: { enabled: true } }, 'httpRoute.parentRefs is empty'],
  [
    'a policy that keeps the Ingress out',
    { networkPolicy: { enabled: true }, ingress: { enabled: true, hosts: ['a.example.com'] } },
    'networkPolicy.apiFrom is empty, so what stands before the API (ingress or httpRoute) could not reach it',
  ],
  [
    'a policy that keeps Prometheus out',
    { networkPolicy: { enabled: true }, metrics: { podMonitor: { enabled: true } } },
    'networkPolicy.metricsFrom is empty, so Prometheus could not read the metrics',
  ],
  [
    'every figure twice',
    { metrics: { podMonitor: { enabled: true }, serviceMonitor: { enabled: true } } },
    'every figure would be counted twice',
  ],
  [
    'an alert that does not exist',
    { metrics: { prometheusRule: { enabled: true, disabled: ['HorizonShrot'] } } },
    'disabled names HorizonShrot, but there is no such alert: the alerts are HorizonShort, ReadingStale, NothingScraped',
  ],
  [
    'an account that is not there yet',
    { migrations: { serviceAccountName: 'demo-quartermaster-worker' } },
    'migrations.serviceAccountName is the ServiceAccount that the chart makes for worker',
  ],
  [
    'a ConfigMap that is not there yet',
    { migrations: { extraVolumes: [{ name: 'c', configMap: { name: 'demo-quartermaster-api' } }] } },
    'must not name demo-quartermaster-api, which the chart makes',
  ],
];

describeChart('before anything is installed', () => {
  it.each(bySchema)('the schema refuses %s', async (_, values, wanted) => {
    for (const said of await refusals({ values })) expect(said).toMatch(wanted);
  });

  const place = chartCopy();

  it.each(byTemplates)('a sentence refuses %s', async (_, values, wanted) => {
    for (const said of await refusals({ values, chart: place })) {
      expect(said).toContain('These values cannot be installed:');
      expect(said).toContain(wanted);
    }
  });

  it.each(['1st', 'ledger.eu'])(
    'a sentence refuses a release called %s, unless its objects are not',
    async (release) => {
      const { err } = await tryRender({ release });
      expect(err).toContain(
        `objects would be called ${release}-quartermaster, but the name of a Service begins with a`,
      );
      expect((await tryRender({ release, values: { fullnameOverride: 'ledger' } })).code).toBe(0);
    },
  );

  it('everything that is wrong is said at once, and once', async () => {
    const values = { image: { repository: '' }, store: { type: '' }, config: { QM_JWT_ISSUER: 'x' } };
    const { err } = await tryRender({ values });
    expect(err.match(/^- .*$/gm)).toEqual([
      expect.stringContaining('image.repository'),
      expect.stringContaining('store.type'),
      expect.stringContaining('QM_JWKS_URL'),
    ]);
  });
});
