import pgBoss from 'pg-boss/package.json' with { type: 'json' };
import { AppError } from '../core/errors.ts';
import { identifier } from '../db/identifier.ts';
import type { Ask } from '../db/schema-version.ts';
import { sqlState, toAppError } from '../db/sqlstate.ts';
import type { JobQueue } from './job.ts';

/** The schema that this version of pg-boss was made for. */
const SCHEMA_VERSION = pgBoss.pgboss.schema;

/** What pg-boss throws, in our words. */
export function rethrow(error: unknown): never {
  if ((error as { code?: unknown }).code === 'PGBOSS_QUEUE_NOT_FOUND') throw notInstalled('asked for', error);
  throw toAppError(error);
}

function notInstalled(queues: string, cause?: unknown): AppError {
  const detail = `Queues are not installed (${queues}). Run \`quartermaster migrate up\`.`;
  return new AppError('config', 'not_migrated', detail, { cause });
}

/**
 * Looks whether the queues are there and pg-boss' tables are not older than it. A newer schema is left to it, as it leaves it
 * itself: what an older version cannot live with, the migration that comes with the newer pg-boss says for both.
 *
 * @throws AppError config/not_migrated
 */
export async function requireInstalled(
  ask: Ask,
  schema: string,
  queues: readonly JobQueue[],
): Promise<{ isNewer: boolean }> {
  const { rows } = await ask(
    `SELECT (SELECT max(version) FROM ${identifier(schema, 'version')}) AS version,
      ARRAY(SELECT name FROM ${identifier(schema, 'queue')}) AS names`,
  ).catch((error: unknown) => {
    const isMissing = /^(42P01|3F000)$/.test(causeOf(error) ?? '');
    throw isMissing ? notInstalled(`there is no schema ${schema}`, error) : toAppError(error);
  });
  const [{ version, names }] = rows as [{ version: number | null; names: string[] }];
  if (version === null || version < SCHEMA_VERSION) {
    const detail = `The schema of the queue is at ${version} and this version needs ${SCHEMA_VERSION}. Run \`quartermaster migrate up\`.`;
    throw new AppError('config', 'not_migrated', detail);
  }
  const missing = queues.filter(({ name }) => !names.includes(name));
  if (missing.length > 0) throw notInstalled(missing.map(({ name }) => name).join(', '));
  return { isNewer: version > SCHEMA_VERSION };
}

/** The SQLSTATE of a failure, in our words or in PostgreSQL's. */
function causeOf(error: unknown): string | undefined {
  return sqlState(error) ?? (error instanceof AppError ? sqlState(error.cause) : undefined);
}
