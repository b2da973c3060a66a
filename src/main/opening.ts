import { stopwatch } from '../core/clock.ts';
import { AppError, isAppError } from '../core/errors.ts';
import { type Database, openDatabase } from '../db/database.ts';
import { type Ask, knownMigrations, requireSchema } from '../db/schema-version.ts';
import { isTransient, toAppError } from '../db/sqlstate.ts';
import type { Config } from '../platform/config.ts';
import type { Logger } from '../platform/logger.ts';
import type { ReadinessCheck } from '../platform/readiness.ts';
import { retry, throwIfAborted, whileWanted } from '../platform/retry.ts';

/** What one look at the database may take before its connection is thrown away. */
const LOOK_MS = 5000;

/** The longest wait between two tries at the start. */
const CAP_MS = 3000;

/** The database as a process that serves looks at it: at its start, and for readiness. */
export interface Opening {
  /** False until the database was found to be the one this process was made for. */
  isOpen(): boolean;
  /**
   * Waits for the database and looks whether its schema and its settings are ours.
   *
   * @throws AppError config/not_migrated, config/schema_newer, config/setting_changed, unavailable/database_unavailable
   *   when it did not come in time, aborted/aborted when the process is asked to stop meanwhile
   */
  open(): Promise<void>;
  /** Of readiness. `queue` are the queues that have to be there. */
  checks(queue: (ask: Ask) => Promise<void>): ReadinessCheck[];
  close(): Promise<void>;
}

export interface OpeningOptions {
  readonly config: Config;
  readonly logger: Logger;
  /** Fires when the process is to stop. */
  readonly signal: AbortSignal;
}

/**
 * Looks by a connection of its own. One of the pool would make a process unready that is only busy; and one that hangs is
 * thrown away after a while, so that a database that has moved is found again.
 */
export function createOpening({ config, logger, signal }: OpeningOptions): Opening {
  const own = openDatabase({
    databaseUrl: config.databaseUrl,
    poolMax: 1,
    applicationName: 'quartermaster-look',
  });
  let opened = false;
  const ask = createAsk(own);
  const look = async () => requireSchema(ask, await knownMigrations(), config);

  return {
    isOpen: () => opened,

    async open() {
      const { databaseUrl: url, startWait } = config;
      const { unknown } = await awaitDatabase(look, { url, startWait, logger, signal });
      if (unknown.length > 0) {
        logger.info({ unknown }, 'the schema is newer than this version, which can live with it');
      }
      opened = true;
    },

    checks: (queue) => [
      { name: 'database', check: async () => void (await ask('SELECT 1 AS one')) },
      { name: 'schema', check: async () => void (await look()) },
      { name: 'queue', check: () => queue(ask) },
    ],

    close: () => own.close(),
  };
}

/**
 * Looks by a direct connection, which is thrown away when no answer comes: the next look has another.
 *
 * @throws AppError unavailable/database_unavailable
 */
export function createAsk({ withClient }: Pick<Database, 'withClient'>): Ask {
  return async (text) => {
    const late = AbortSignal.timeout(LOOK_MS);
    try {
      return await withClient((client) => client.query(text), late);
    } catch (error) {
      if (!late.aborted) throw toAppError(error);
      const detail = `The database did not answer within ${LOOK_MS / 1000} s.`;
      throw new AppError('unavailable', 'database_unavailable', detail, { cause: error });
    }
  };
}

export interface AwaitOptions extends Pick<Config, 'startWait'>, Pick<OpeningOptions, 'logger' | 'signal'> {
  /** Where it is looked for, as the lines about it say. */
  readonly url: string | undefined;
}

/**
 * Tries until the database answers, for QM_START_WAIT seconds: pods start in any order, and a database is restarted now and
 * then. What will not pass by waiting, such as a wrong password or a schema that is not ours, is thrown at once.
 *
 * @throws AppError aborted/aborted as soon as the signal fires, whatever is being waited for
 */
export async function awaitDatabase<T>(
  look: () => Promise<T>,
  { url, startWait, logger, signal }: AwaitOptions,
): Promise<T> {
  const seconds = stopwatch();
  const { hostname, port, pathname } = new URL(url ?? 'postgres://none');
  const where = { host: hostname, port: port === '' ? '5432' : port, database: pathname.slice(1) };
  try {
    return await retry(() => whileWanted(look(), signal), {
      retryable: (error) => mayPass(error) && seconds() < startWait,
      attempts: Number.POSITIVE_INFINITY,
      baseMs: 250,
      capMs: CAP_MS,
      signal,
      onRetry: (error, attempt, waitMs) => {
        const { code, detail } = toAppError(error);
        const waited = { attempt, waited: Math.round(seconds()), most: startWait };
        logger.warn(
          { ...where, code, detail, ...waited, waitMs: Math.round(waitMs) },
          'waiting for the database',
        );
      },
    });
  } catch (error) {
    throwIfAborted(signal);
    if (!mayPass(error)) throw error;
    const { detail } = toAppError(error);
    const what = `The database ${where.database} on ${where.host}, port ${where.port}, did not come within ${startWait} s (QM_START_WAIT). ${detail}`;
    throw new AppError('unavailable', 'database_unavailable', what, { cause: error });
  }
}

/** A server that is away, starts, or has no connection to spare. */
function mayPass(error: unknown): boolean {
  if (isAppError(error, 'database_unavailable')) return true;
  return isTransient(error);
}
