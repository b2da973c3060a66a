import { isIP } from 'node:net';
import { Type } from 'typebox';
import { isZone } from '../core/quarter.ts';
import { hasKnownMode, SSL_MODES } from './database-url.ts';
import { directoryOf } from './file-url.ts';
import { parseS3Url } from './s3-settings.ts';

const databaseUrl = (what: string) =>
  Type.Refine(
    url(`${what}, as postgres://user:password@host:5432/database; ${SSL_MODES}`, [
      'postgres:',
      'postgresql:',
    ]),
    hasKnownMode,
  );

/** One entry a variable of the environment. The description says what is allowed: it is the text of the error. */
export const variables = {
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
  QM_PROMETHEUS_URL: Type.Optional(
    Type.Refine(
      url(
        'the Prometheus that has the alerts, without a user, a password or a query, as http://prometheus:9090',
        ['https:', 'http:'],
      ),
      (text) => !/[@?#]/.test(text),
    ),
  ),
  QM_TRUSTED_PROXIES: Type.Refine(
    Type.String({
      default: '127.0.0.0/8,::1/128',
      description:
        'the proxies that are believed for whom they ask: addresses and networks with commas between, as 10.20.0.7,fd00:20::/64',
    }),
    (text) => text.split(',').every(isNetwork),
  ),
  QM_HOST: Type.String({ default: '127.0.0.1', minLength: 1, description: 'the address to listen on' }),
  QM_PORT: count(7070, 0, 65535, 'the port to listen on, 0 for any free one'),
  QM_WORKER_PORT: count(
    7071,
    0,
    65535,
    'the port on which a worker serves its health and metrics, 0 for none',
  ),
  QM_START_WAIT: count(60, 0, 3600, 'seconds a process waits for its database at its start'),
  QM_STOP_WITHIN: count(25, 5, 3600, 'seconds within which a process that is asked to stop has ended'),
  QM_DRAIN: count(
    0,
    0,
    600,
    'seconds for which a stopping API says that it is unready and serves on, so that no more is sent to it',
  ),
  QM_LOG_LEVEL: choice(
    ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    'info',
    'the least log level',
  ),
};

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

/** An address, or one with the length of its network behind a slash. A network of everybody is none. */
function isNetwork(text: string): boolean {
  const [address = '', length, more] = text.split('/');
  const version = isIP(address);
  if (version === 0 || address.includes('%') || more !== undefined) return false;
  if (length === undefined) return true;
  return /^[1-9]\d{0,2}$/.test(length) && Number(length) <= (version === 4 ? 32 : 128);
}
