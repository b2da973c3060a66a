import { AppError } from '../core/errors.ts';
import { tlsFault } from './tls.ts';

/** The constraint that `close` puts on a partition; its name is how a refused late row is known. */
export const CLOSED_CONSTRAINT = 'quarter_closed';

interface ServerError extends Error {
  readonly code: string;
  readonly constraint?: string;
  readonly table?: string;
  readonly detail?: string;
}

/** Failures of the connection, by Node's names. */
const CONNECTION_ERRORS = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** The five-character SQLSTATE of an error from PostgreSQL, else undefined. */
export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return error instanceof Error &&
    typeof code === 'string' &&
    /^[0-9A-Z]{5}$/.test(code) &&
    'severity' in error
    ? code
    : undefined;
}

/** True when the same short statement may succeed if it is sent again; a constraint violation never is. */
export function isTransient(error: unknown): boolean {
  const state = sqlState(error);
  if (state === undefined) return isConnectionLoss(error);
  return /^(40001|40P01|55P03|57P0[123]|53300|08...)$/.test(state);
}

/** True when the connection was lost or could not be made: what was sent may or may not have been done. */
export function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const state = sqlState(error);
  if (state !== undefined) return /^(57P0[123]|08...)$/.test(state);
  if (CONNECTION_ERRORS.has((error as NodeJS.ErrnoException).code ?? '')) return true;
  // node-postgres has no code for these.
  return /connection terminated|client has encountered a connection error|timeout exceeded when trying to connect|Client was closed/i.test(
    error.message,
  );
}

/**
 * PostgreSQL's failure as one of ours; an AppError passes as it is. The table from SQLSTATE to kind is here and
 * nowhere else (codes: PostgreSQL documentation, appendix A).
 */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const options = { cause: error };
  const state = sqlState(error);
  if (state === undefined) {
    const fault = tlsFault(error);
    if (fault !== undefined) return new AppError('config', 'tls_failed', fault, options);
    return isConnectionLoss(error)
      ? new AppError(
          'unavailable',
          'database_unavailable',
          `The database cannot be reached: ${message(error)}.`,
          options,
        )
      : new AppError('internal', 'internal', `Unexpected failure: ${message(error)}`, options);
  }
  const { constraint, message: text } = error as ServerError;
  if (state === '23514' && constraint === CLOSED_CONSTRAINT) {
    // The partition bears the quarter's name, as entries_2025q1.
    const name = /\d{4}q[1-4]$/.exec((error as ServerError).table ?? '')?.[0];
    const detail = `${name ?? 'The quarter'} is closed and takes no more rows. Book it now and give its true date as effective_at; should the quarter itself have to change, finance can reopen it while it is not archived: \`quartermaster quarters reopen ${name ?? 'QUARTER'} --reason …\`.`;
    return new AppError('refused', 'quarter_closed', detail, options);
  }
  if (state === '23514' && text.startsWith('no partition of relation')) {
    const detail = 'No quarter exists for that time. Run `quartermaster run reconcile-partitions`.';
    return new AppError('unavailable', 'no_partition', detail, options);
  }
  if (/^(40001|40P01)$/.test(state))
    return new AppError('busy', 'serialization', `Try again: ${text}.`, options);
  if (state === '55P03')
    return new AppError('busy', 'lock_timeout', `Another session holds the lock: ${text}.`, options);
  if (state === '57014')
    return new AppError('busy', 'statement_canceled', `The statement was cancelled: ${text}.`, options);
  if (isTransient(error))
    return new AppError('unavailable', 'database_unavailable', `Try again: ${text}.`, options);
  if (state === '23505')
    return new AppError('conflict', 'already_exists', `It exists already: ${text}.`, options);
  if (state === '25006') {
    const detail = `The database takes no writes now (${text}): it is a standby, or default_transaction_read_only is on. Try again later, or see that QM_DATABASE_URL leads to the primary.`;
    return new AppError('unavailable', 'read_only', detail, options);
  }
  if (state === '42501')
    return new AppError('config', 'insufficient_privilege', `A grant is missing: ${text}.`, options);
  if (state.startsWith('28'))
    return new AppError('config', 'login_refused', `The database refused the login: ${text}.`, options);
  if (state === '3D000') return new AppError('config', 'no_database', `${text}.`, options);
  if (/^(42P01|3F000|42703)$/.test(state)) {
    const detail = `The schema is not the one this version needs (${text}). Run \`quartermaster migrate up\`.`;
    return new AppError('config', 'not_migrated', detail, options);
  }
  if (state.startsWith('22') || state.startsWith('23')) {
    return new AppError('invalid', 'invalid_value', `The database refused a value: ${text}.`, options);
  }
  // What hangs on something that was to be dropped stands in the detail alone.
  const dependents = state === '2BP01' ? (error as ServerError).detail : undefined;
  const more = dependents === undefined ? '' : ` (${dependents.replaceAll('\n', '; ')})`;
  return new AppError('internal', 'database_error', `PostgreSQL says ${state}: ${text}${more}.`, options);
}

function message(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
