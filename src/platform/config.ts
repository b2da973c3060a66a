import { Type } from 'typebox';
import Value from 'typebox/value';
import { AppError } from '../core/errors.ts';
import { isZone } from '../core/quarter.ts';
import { directoryOf } from './file-url.ts';
import { parseS3Url, type S3Settings, s3Faults } from './s3-settings.ts';

/** All settings, read once at the start of a process. Durations and counts are in the unit of their name. */
export interface Config {
  readonly databaseUrl: string | undefined;
  readonly directDatabaseUrl: string | undefined;
  readonly replicaUrl: string | undefined;
  readonly store: string;
  readonly s3: S3Settings;
  readonly ledgerSet: string;
  /** Where files of archives are kept that were fetched to be read; undefined: below the system's temporary directory. */
  readonly cacheDir: string | undefined;
  readonly cacheMaxMib: number;
  readonly timezone: string;
  readonly premakeQuarters: number;
  readonly onlineQuarters: number;
  readonly closeAfterDays: number;
  readonly dropAfterDays: number;
  /** For how many days a quarter is restored when nobody says until when. */
  readonly restoreDays: number;
  /** Within so many days every archive is read again from end to end. */
  readonly fixityDays: number;
  readonly oldestDate: string;
  readonly createQuarters: boolean;
  readonly archiveQuarters: boolean;
  readonly dropQuarters: boolean;
  /** Whether bloated and broken indexes are built anew by schedule. */
  readonly reindex: boolean;
  readonly archiveApproval: 'auto' | 'required';
  readonly poolMax: number;
  /** Quarters whose summaries are refreshed side by side. */
  readonly refreshParallel: number;
  /** Transactions that may wait to be posted in this process; who comes after them is told to try again. */
  readonly queueMax: number;
  readonly idempotencyDays: number;
  /** Seconds a replica may lag behind before it is left alone. */
  readonly replicaMaxLag: number;
  /** The planner's cost from which on a query of a person goes to the replica. */
  readonly replicaCost: number;
  readonly jwksUrl: string | undefined;
  readonly jwtIssuer: string | undefined;
  readonly jwtAudience: string | undefined;
  readonly host: string;
  readonly port: number;
  /** Where a worker serves its metrics; 0 for nowhere. */
  readonly workerPort: number;
  readonly logLevel: string;
}

const databaseUrl = (what: string) =>
  url(`${what}, as postgres://user:password@host:5432/database`, ['postgres:', 'postgresql:']);

/** One entry a variable. The description says what is allowed: it is the text of the error. */
const variables = {
  QM_DATABASE_URL: Type.Optional(databaseUrl('the database, which may be a transaction pooler')),
  QM_DIRECT_DATABASE_URL: Type.Optional(databaseUrl('the same database without a pooler')),
  QM_REPLICA_URL: Type.Optional(databaseUrl('a read replica')),
  QM_STORE: Type.Refine(
    url(
      'where archives live, as file:///absolute/directory, file:./relative/directory or s3://bucket/prefix',
      ['file:', 's3:'],
      'file:./var/archive',
    ),
    (text) => (directoryOf(text) ?? parseS3Url(text)) !== undefined,
  ),
  QM_S3_ENDPOINT: Type.Optional(
    Type.Refine(
      url('an S3-compatible server without a user or a password, as https://storage.example.com', [
        'https:',
        'http:',
      ]),
      (text) => !text.includes('@'),
    ),
  ),
  QM_S3_REGION: Type.Optional(
    Type.String({ pattern: '^[a-z0-9-]{1,63}$', description: 'the region of the bucket, as eu-west-3' }),
  ),
  QM_S3_PATH_STYLE: choice(['on', 'off'], 'off', 'whether the bucket is named in the path'),
  QM_S3_SSE: choice(['none', 'AES256', 'aws:kms'], 'none', 'how the server encrypts what it keeps'),
  QM_S3_KMS_KEY: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9:/_-]{1,2048}$',
      description: 'the id, alias or ARN of the key for aws:kms',
    }),
  ),
  QM_S3_LOCK_MODE: choice(
    ['none', 'GOVERNANCE', 'COMPLIANCE'],
    'none',
    'how Object Lock keeps stored files from being deleted',
  ),
  QM_S3_LOCK_DAYS: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 36_500,
      description: 'days for which a stored file is locked: a whole number from 1 to 36500',
    }),
  ),
  QM_LEDGER_SET: Type.String({
    default: 'ledger',
    pattern: '^[a-z0-9][a-z0-9_-]{0,62}$',
    description: 'the folder of this database in the store: lower-case letters, digits, - and _',
  }),
  QM_CACHE_DIR: Type.Optional(
    Type.String({
      pattern: '^/|^[A-Za-z]:[\\\\/]',
      description:
        'where files of archives are kept that are fetched to be read, as /var/cache/quartermaster',
    }),
  ),
  QM_CACHE_MAX_MIB: count(4096, 1, 99_999_999, 'MiB of such files that are kept for the next time'),
  QM_TIMEZONE: Type.Refine(
    Type.String({ default: 'UTC', description: 'the IANA zone whose quarters are kept, as Europe/Paris' }),
    (zone) => isZone(zone),
  ),
  QM_PREMAKE_QUARTERS: count(4, 1, 40, 'how many quarters to create ahead'),
  QM_ONLINE_QUARTERS: count(8, 1, 4000, 'how many quarters stay attached, the current one included'),
  QM_CLOSE_AFTER_DAYS: count(10, 0, 366, 'days between the end of a quarter and its close'),
  QM_DROP_AFTER_DAYS: count(30, 0, 3660, 'days between the detach of a quarter and its drop'),
  QM_RESTORE_DAYS: count(14, 1, 3660, 'days for which a quarter is restored unless told otherwise'),
  QM_FIXITY_DAYS: count(90, 1, 3660, 'days within which every archive is read again'),
  QM_OLDEST_DATE: Type.String({
    default: '2000-01-01',
    pattern: '^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])$',
    description: 'the oldest date a load may bring, as 2000-01-01',
  }),
  QM_CREATE_QUARTERS: choice(['on', 'off'], 'on', 'whether quarters are created by schedule'),
  QM_ARCHIVE_QUARTERS: choice(['on', 'off'], 'on', 'whether quarters are archived and detached by schedule'),
  QM_DROP_QUARTERS: choice(['on', 'off'], 'on', 'whether detached quarters are dropped by schedule'),
  QM_REINDEX: choice(['on', 'off'], 'on', 'whether bloated and broken indexes are built anew by schedule'),
  QM_ARCHIVE_APPROVAL: choice(
    ['auto', 'required'],
    'auto',
    'whether somebody else than who asked must approve an archive and a drop',
  ),
  QM_POOL_MAX: count(10, 2, 200, 'connections of one process to each database'),
  QM_REFRESH_PARALLEL: count(2, 1, 8, 'how many quarters have their summaries refreshed side by side'),
  QM_QUEUE_MAX: count(10_000, 1, 1_000_000, 'how many transactions may wait to be posted in one process'),
  QM_IDEMPOTENCY_DAYS: count(35, 1, 3650, 'days for which an idempotency key is remembered'),
  QM_REPLICA_MAX_LAG: count(10, 1, 3600, 'seconds a replica may lag behind before it is left alone'),
  QM_REPLICA_COST: count(
    10_000,
    0,
    999_999_999,
    "the planner's cost from which on a query goes to the replica",
  ),
  QM_JWKS_URL: Type.Optional(
    url('where the keys of JSON web tokens are published, as https://host/.well-known/jwks.json', [
      'https:',
      'http:',
    ]),
  ),
  QM_JWT_ISSUER: Type.Optional(
    Type.String({
      minLength: 1,
      description: 'the issuer a JSON web token must name; needed with QM_JWKS_URL',
    }),
  ),
  QM_JWT_AUDIENCE: Type.Optional(
    Type.String({
      minLength: 1,
      description: 'the audience a JSON web token must name; needed with QM_JWKS_URL',
    }),
  ),
  QM_HOST: Type.String({ default: '127.0.0.1', minLength: 1, description: 'the address to listen on' }),
  QM_PORT: count(7070, 0, 65535, 'the port to listen on, 0 for any free one'),
  QM_WORKER_PORT: count(7071, 0, 65535, 'the port on which a worker serves its metrics, 0 for none'),
  QM_LOG_LEVEL: choice(
    ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    'info',
    'the least log level',
  ),
};

const schema = Type.Object(variables);

/**
 * Reads and validates the environment. Every fault is reported at once, each with the variable's name and what is
 * allowed; a value is repeated only where it cannot be a secret. An unknown QM_ variable is a fault too: a
 * misspelt setting that is silently ignored is found out in the wrong night.
 *
 * @throws AppError config/invalid_config
 */
export function readConfig(env: Record<string, string | undefined> = process.env): Config {
  const given = Object.fromEntries(
    Object.entries(env).filter(([name, value]) => name in variables && value !== undefined && value !== ''),
  );
  // The schema library's own conversion would take 7070.5 and even `true` for a port.
  const typed = Object.entries(given).map(([name, text]) => {
    const numeric = Type.IsInteger(variables[name as keyof typeof variables]) && /^\d{1,9}$/.test(text ?? '');
    return [name, numeric ? Number(text) : text];
  });
  const value = Value.Default(schema, Object.fromEntries(typed));
  const faulty = new Set(
    [...Value.Errors(schema, value)].map(
      (error) => error.instancePath.split('/')[1] as keyof typeof variables,
    ),
  );
  const names = Object.keys(variables) as (keyof typeof variables)[];
  const faults = names.filter((name) => faulty.has(name)).map((name) => describeFault(name, given[name]));
  for (const name of Object.keys(env)) {
    if (name.startsWith('QM_') && !name.startsWith('QM_TEST_') && !(name in variables)) {
      faults.push(`${name}: there is no such setting`);
    }
  }
  // Without them a token made for anybody else by the same issuer, or by nobody we know, would open the ledger.
  for (const name of ['QM_JWT_ISSUER', 'QM_JWT_AUDIENCE'] as const) {
    if (given.QM_JWKS_URL !== undefined && given[name] === undefined) {
      faults.push(`${name} must be set together with QM_JWKS_URL`);
    }
  }
  faults.push(...s3Faults(given));
  if (faults.length > 0) throw new AppError('config', 'invalid_config', faults.join('\n'));

  const set = Value.Parse(schema, value);
  return {
    databaseUrl: set.QM_DATABASE_URL,
    directDatabaseUrl: set.QM_DIRECT_DATABASE_URL ?? set.QM_DATABASE_URL,
    replicaUrl: set.QM_REPLICA_URL,
    store: set.QM_STORE,
    s3: {
      endpoint: set.QM_S3_ENDPOINT,
      region: set.QM_S3_REGION,
      pathStyle: set.QM_S3_PATH_STYLE === 'on',
      sse: set.QM_S3_SSE,
      kmsKey: set.QM_S3_KMS_KEY,
      lockMode: set.QM_S3_LOCK_MODE,
      lockDays: set.QM_S3_LOCK_DAYS ?? 0,
    },
    ledgerSet: set.QM_LEDGER_SET,
    cacheDir: set.QM_CACHE_DIR,
    cacheMaxMib: set.QM_CACHE_MAX_MIB,
    timezone: set.QM_TIMEZONE,
    premakeQuarters: set.QM_PREMAKE_QUARTERS,
    onlineQuarters: set.QM_ONLINE_QUARTERS,
    closeAfterDays: set.QM_CLOSE_AFTER_DAYS,
    dropAfterDays: set.QM_DROP_AFTER_DAYS,
    restoreDays: set.QM_RESTORE_DAYS,
    fixityDays: set.QM_FIXITY_DAYS,
    oldestDate: set.QM_OLDEST_DATE,
    createQuarters: set.QM_CREATE_QUARTERS === 'on',
    archiveQuarters: set.QM_ARCHIVE_QUARTERS === 'on',
    dropQuarters: set.QM_DROP_QUARTERS === 'on',
    reindex: set.QM_REINDEX === 'on',
    archiveApproval: set.QM_ARCHIVE_APPROVAL,
    poolMax: set.QM_POOL_MAX,
    refreshParallel: set.QM_REFRESH_PARALLEL,
    queueMax: set.QM_QUEUE_MAX,
    idempotencyDays: set.QM_IDEMPOTENCY_DAYS,
    replicaMaxLag: set.QM_REPLICA_MAX_LAG,
    replicaCost: set.QM_REPLICA_COST,
    jwksUrl: set.QM_JWKS_URL,
    jwtIssuer: set.QM_JWT_ISSUER,
    jwtAudience: set.QM_JWT_AUDIENCE,
    host: set.QM_HOST,
    port: set.QM_PORT,
    workerPort: set.QM_WORKER_PORT,
    logLevel: set.QM_LOG_LEVEL,
  };
}

function describeFault(name: keyof typeof variables, given: string | undefined): string {
  const allowed = (variables[name] as { description?: string }).description ?? '';
  // A URL may hold a password, so what was given there is not repeated, nor what may be one in a wrong place.
  const secret = name.endsWith('_URL') || given === undefined || given.includes('@');
  const shown = secret ? '' : ` (it is ${JSON.stringify(given)})`;
  return `${name} must be ${allowed}${shown}`;
}

function count(fallback: number, minimum: number, maximum: number, what: string) {
  const description = `${what}: a whole number from ${minimum} to ${maximum}`;
  return Type.Integer({ default: fallback, minimum, maximum, description });
}

function choice<const T extends readonly string[]>(values: T, fallback: T[number], what: string) {
  return Type.Enum([...values] as T[number][], {
    default: fallback,
    description: `${what}: ${values.join(' or ')}`,
  });
}

function url(what: string, protocols: readonly string[], fallback?: string) {
  const base = Type.String({ description: what, ...(fallback === undefined ? {} : { default: fallback }) });
  return Type.Refine(base, (text) => protocols.includes(URL.parse(text)?.protocol ?? ''));
}
