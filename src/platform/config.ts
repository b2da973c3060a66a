import { Type } from 'typebox';
import Value from 'typebox/value';
import { AppError } from '../core/errors.ts';
import { leavesModeOpen, verifiedUrl } from './database-url.ts';
import { type S3Settings, s3Faults } from './s3-settings.ts';
import { variables } from './settings.ts';
import { readTracing, type TracingSettings } from './tracing-settings.ts';

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
  /** Where the alerts are asked for that the console shows; undefined: nowhere. */
  readonly prometheusUrl: string | undefined;
  /** Addresses and networks of the proxies that are believed for whom they ask. */
  readonly trustedProxies: readonly string[];
  readonly host: string;
  readonly port: number;
  /** Where a worker serves its health and metrics; 0 for nowhere. */
  readonly workerPort: number;
  /** Seconds: to wait for the database at a start, to have ended in, and to serve on in while unready. */
  readonly startWait: number;
  readonly stopWithin: number;
  readonly drain: number;
  readonly logLevel: string;
  /** undefined: no traces are recorded. */
  readonly tracing: TracingSettings | undefined;
}

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
  // Taken from the environment of whatever starts the process it could be weakened there, and left out it would not be TLS any more.
  for (const name of ['QM_DATABASE_URL', 'QM_DIRECT_DATABASE_URL', 'QM_REPLICA_URL'] as const) {
    const [url, mode] = [given[name], env.PGSSLMODE ?? ''];
    if (url !== undefined && !['', 'disable'].includes(mode) && leavesModeOpen(url))
      faults.push(`${name} must name its sslmode itself: PGSSLMODE is set, and is not looked at`);
  }
  faults.push(...s3Faults(given));
  const { QM_DRAIN: drain, QM_STOP_WITHIN: within } = value as Record<string, unknown>;
  if (typeof drain === 'number' && typeof within === 'number' && drain > within - 5) {
    faults.push(`QM_DRAIN must leave 5 of the ${within} seconds of QM_STOP_WITHIN (it is ${drain})`);
  }
  if (faults.length > 0) throw new AppError('config', 'invalid_config', faults.join('\n'));

  const set = Value.Parse(schema, value);
  return {
    databaseUrl: verifiedUrl(set.QM_DATABASE_URL),
    directDatabaseUrl: verifiedUrl(set.QM_DIRECT_DATABASE_URL ?? set.QM_DATABASE_URL),
    replicaUrl: verifiedUrl(set.QM_REPLICA_URL),
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
    prometheusUrl: set.QM_PROMETHEUS_URL,
    trustedProxies: set.QM_TRUSTED_PROXIES.split(','),
    host: set.QM_HOST,
    port: set.QM_PORT,
    workerPort: set.QM_WORKER_PORT,
    startWait: set.QM_START_WAIT,
    stopWithin: set.QM_STOP_WITHIN,
    drain: set.QM_DRAIN,
    logLevel: set.QM_LOG_LEVEL,
    tracing: readTracing(env),
  };
}

function describeFault(name: keyof typeof variables, given: string | undefined): string {
  const allowed = (variables[name] as { description?: string }).description ?? '';
  // A URL may hold a password, so what was given there is not repeated, nor what may be one in a wrong place.
  const secret = name.endsWith('_URL') || given === undefined || given.includes('@');
  const shown = secret ? '' : ` (it is ${JSON.stringify(given)})`;
  return `${name} must be ${allowed}${shown}`;
}

/** True on a terminal on which nothing can be drawn again. It is asked before any setting is read, and by help too. */
export function isDumbTerminal(env: NodeJS.ProcessEnv = process.env): boolean {
  return env.TERM === 'dumb';
}
