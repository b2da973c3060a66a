/**
 * The kinds of failure every face knows. A kind says who can mend it and whether trying again helps;
 * the `code` beneath it is stable and says exactly what happened.
 *
 * - `invalid`: the input is wrong; the caller mends it.
 * - `unauthenticated`: nobody knows who asks; a key or a token is missing or no good.
 * - `forbidden`: who asks may not do that.
 * - `not_found`: what was named does not exist.
 * - `conflict`: it exists in another state than the request needs.
 * - `refused`: a rule of the ledger forbids it (funds, a closed quarter).
 * - `busy`: somebody else holds it now; trying again later helps.
 * - `unavailable`: a dependency is away; trying again later helps.
 * - `corrupt`: data are not what they were proved to be; a person must look.
 * - `config`: the settings are wrong; the operator mends them.
 * - `aborted`: we were asked to stop.
 * - `internal`: a bug of ours.
 */
export type ErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'refused'
  | 'busy'
  | 'unavailable'
  | 'corrupt'
  | 'config'
  | 'aborted'
  | 'internal';

/** The one error of the project. `detail` is a sentence for people: what, where, and what to do. */
export class AppError extends Error {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly detail: string;

  constructor(kind: ErrorKind, code: string, detail: string, options?: { cause?: unknown }) {
    super(`${code}: ${detail}`, options);
    this.name = 'AppError';
    this.kind = kind;
    this.code = code;
    this.detail = detail;
  }
}

/** True for an AppError, and of the given kind or code when one is named. */
export function isAppError(error: unknown, kindOrCode?: string): error is AppError {
  if (!(error instanceof AppError)) return false;
  return kindOrCode === undefined || error.kind === kindOrCode || error.code === kindOrCode;
}

/**
 * True of an error whose words are those of its cause. They are PostgreSQL's, a store's or the system's, with names of hosts
 * and paths among them: for a log and for whoever runs the house, and not for everybody who asks.
 */
export function quotesCause({ detail, cause }: AppError): boolean {
  return cause !== undefined && (!(cause instanceof Error) || detail.includes(cause.message));
}

/** Stops at a state the code believes impossible; whoever sees it has found a bug. */
export function assert(condition: unknown, what: string): asserts condition {
  if (!condition) throw new AppError('internal', 'assertion_failed', what);
}
