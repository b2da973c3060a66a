/** Who goes by a setting. */
export type Reader = 'every process' | 'the API' | 'the worker' | 'migrations' | 'commands at a terminal';

export interface Told {
  readonly group: string;
  readonly readers: readonly Reader[];
  /** Of what the number counts. */
  readonly unit?: string;
  /** What stands where there is no default. */
  readonly without?: string;
  /** What to know besides. */
  readonly more?: string;
  /** A value that is refused, where none can be made up of the kind of the setting. */
  readonly wrong?: string;
}

export const groups = [
  'The database',
  'The store',
  'The ledger and its quarters',
  'What schedules may do',
  'Limits of a process',
  'Who is let in',
  'The process',
] as const;

const all: readonly Reader[] = ['every process'];
const verbs: readonly Reader[] = ['the worker', 'the API', 'commands at a terminal'];

const database = { group: groups[0], wrong: 'mysql://root:secret@db/ledger' } as const;
const s3 = { group: groups[1], readers: verbs } as const;
const ledger = { group: groups[2], readers: verbs } as const;
const schedule = { group: groups[3], readers: ['the worker'] } as const;
const limit = { group: groups[4] } as const;
const token = { group: groups[5], readers: ['the API'] } as const;
const process = { group: groups[6] } as const;

/** What docs/reference/configuration.md says of each setting that the code itself does not. */
export const told: Readonly<Record<string, Told>> = {
  QM_DATABASE_URL: {
    ...database,
    readers: all,
    without: '`dev` and `demo` bring a PostgreSQL of their own; everything else refuses to start',
    more: 'A URL that says nothing of TLS is connected to without it; over a network use `verify-full` with `sslrootcert` ([roles.md](../roles.md)).',
  },
  QM_DIRECT_DATABASE_URL: {
    ...database,
    readers: all,
    without: 'as `QM_DATABASE_URL`',
    more: 'Migrations, session locks, detach and copies need a session of their own, which a transaction pooler does not give.',
  },
  QM_REPLICA_URL: {
    ...database,
    readers: ['the API', 'commands at a terminal'],
    without: 'all is read from the primary',
    more: 'Lists, statements and summaries are read there while it is well and has seen what the reader has seen.',
  },
  QM_REPLICA_MAX_LAG: { group: groups[0], readers: ['the API', 'commands at a terminal'], unit: 'seconds' },
  QM_REPLICA_COST: {
    group: groups[0],
    readers: ['commands at a terminal'],
    unit: 'cost units of the planner',
  },

  QM_STORE: {
    ...s3,
    wrong: 'gs://bucket',
    more: 'Every process has to reach the same store. What is written is read back and compared before anything leaves the database.',
  },
  QM_LEDGER_SET: {
    ...s3,
    readers: all,
    wrong: 'My Ledger',
    more: 'Fixed at the first migration: another value is a fault at the start.',
  },
  QM_S3_ENDPOINT: { ...s3, without: 'Amazon', wrong: 'ftp://storage' },
  QM_S3_REGION: { ...s3, without: 'as the AWS SDK finds it', wrong: 'Europe' },
  QM_S3_PATH_STYLE: s3,
  QM_S3_SSE: s3,
  QM_S3_KMS_KEY: {
    ...s3,
    without: "the bucket's own key",
    wrong: 'a key',
    more: 'Only with `QM_S3_SSE=aws:kms`.',
  },
  QM_S3_LOCK_MODE: {
    ...s3,
    more: 'What each means is in [decision 0008](../decisions/0008-s3.md); `COMPLIANCE` cannot be undone by anybody.',
  },
  QM_S3_LOCK_DAYS: { ...s3, unit: 'days', without: 'needed with `QM_S3_LOCK_MODE`' },
  QM_CACHE_DIR: { ...s3, without: "below the system's temporary directory", wrong: 'cache' },
  QM_CACHE_MAX_MIB: { ...s3, unit: 'MiB' },

  QM_TIMEZONE: {
    group: groups[2],
    readers: all,
    wrong: 'Mars/Olympus',
    more: 'Fixed at the first migration: another value is a fault at the start.',
  },
  QM_PREMAKE_QUARTERS: { ...ledger, unit: 'quarters' },
  QM_ONLINE_QUARTERS: {
    ...ledger,
    unit: 'quarters',
    more: 'What is older is archived and detached by schedule.',
  },
  QM_CLOSE_AFTER_DAYS: { ...ledger, unit: 'days' },
  QM_DROP_AFTER_DAYS: { ...ledger, unit: 'days' },
  QM_RESTORE_DAYS: { ...ledger, unit: 'days' },
  QM_FIXITY_DAYS: { ...ledger, unit: 'days', readers: ['the worker', 'the API'] },
  QM_OLDEST_DATE: {
    ...ledger,
    wrong: '1.1.2000',
    more: 'A day of the zone. Quarters between it and the oldest known one are created on demand, 400 at most at once.',
  },

  QM_CREATE_QUARTERS: {
    ...schedule,
    more: 'What is off is said at every look, by `doctor` and by a metric.',
  },
  QM_ARCHIVE_QUARTERS: schedule,
  QM_DROP_QUARTERS: schedule,
  QM_ARCHIVE_APPROVAL: {
    group: groups[3],
    readers: verbs,
    more: 'Set it for every process, those at terminals too: whoever does not know it asks for no second person.',
  },
  QM_REINDEX: schedule,

  QM_POOL_MAX: { ...limit, readers: all, unit: 'connections' },
  QM_QUEUE_MAX: {
    ...limit,
    readers: ['the API'],
    unit: 'transactions',
    more: 'Who comes after them is answered 503 `overloaded` with `Retry-After`.',
  },
  QM_REFRESH_PARALLEL: { ...limit, readers: ['the worker'], unit: 'quarters' },
  QM_IDEMPOTENCY_DAYS: {
    ...limit,
    readers: ['the worker'],
    unit: 'days',
    more: 'A request repeated later than that is a new one.',
  },

  QM_JWKS_URL: {
    ...token,
    without: 'only keys of `quartermaster keys create` are taken',
    wrong: 'file:///keys.json',
  },
  QM_JWT_ISSUER: { ...token, without: 'needed with `QM_JWKS_URL`' },
  QM_JWT_AUDIENCE: { ...token, without: 'needed with `QM_JWKS_URL`' },

  QM_TRUSTED_PROXIES: {
    ...process,
    readers: ['the API'],
    more: 'Whom one of these names in `X-Forwarded-For` is who is counted when keys are no good; of anybody else it is the address they connect from. Name no network that clients are in themselves: they could take another name with each try.',
    wrong: 'ingress.example.com',
  },
  QM_HOST: { ...process, readers: ['the API', 'the worker'] },
  QM_PORT: { ...process, readers: ['the API'] },
  QM_WORKER_PORT: { ...process, readers: ['the worker'] },
  QM_PROMETHEUS_URL: {
    ...process,
    readers: ['the API'],
    without: 'the page of health shows no alerts',
    wrong: 'prometheus:9090',
  },
  QM_START_WAIT: { ...process, readers: ['the API', 'the worker', 'migrations'], unit: 'seconds' },
  QM_STOP_WITHIN: { ...process, readers: all, unit: 'seconds' },
  QM_DRAIN: { ...process, readers: ['the API'], unit: 'seconds', more: '5 behind a load balancer.' },
  QM_LOG_LEVEL: {
    ...process,
    readers: all,
    more: 'JSON lines on stderr ([logs and traces](../logs-and-traces.md)).',
  },
};

/** Settings that are wrong only together. */
export const together: readonly (readonly [what: string, environment: Readonly<Record<string, string>>])[] = [
  ['A name that does not exist: a misspelt setting is not silently ignored', { QM_PREMAKE_QUARTER: '6' }],
  ['Tokens without their issuer and audience', { QM_JWKS_URL: 'https://id.example.com/jwks.json' }],
  ['A drain that leaves no time to stop', { QM_DRAIN: '24' }],
  ['A lock without its days', { QM_S3_LOCK_MODE: 'GOVERNANCE' }],
  ['Days without their lock', { QM_S3_LOCK_DAYS: '30' }],
  ['A key without its encryption', { QM_S3_KMS_KEY: 'alias/books' }],
  [
    'A mode of TLS that stands beside the URL',
    { QM_DATABASE_URL: 'postgres://app@db/ledger', PGSSLMODE: 'prefer' },
  ],
];
