import { AppError } from '../core/errors.ts';
import { toAppError } from '../db/sqlstate.ts';

/** What pg-boss throws, in our words. */
export function rethrow(error: unknown): never {
  if ((error as { code?: unknown }).code === 'PGBOSS_QUEUE_NOT_FOUND') throw notInstalled('asked for', error);
  throw toAppError(error);
}

export function notInstalled(queues: string, cause?: unknown): AppError {
  const detail = `Queues are not installed (${queues}). Run \`quartermaster migrate up\`.`;
  return new AppError('config', 'not_migrated', detail, { cause });
}
