import { isConnectionLoss, sqlState } from './sqlstate.ts';

/** What the database may complain of, in few words: enough to know where to look. */
export const errorClasses = [
  'connection',
  'no_free_connection',
  'too_many_connections',
  'serialization',
  'deadlock',
  'lock_timeout',
  'statement_timeout',
  'read_only',
  'constraint',
  'privilege',
  'other',
] as const;

export type ErrorClass = (typeof errorClasses)[number];

/** Of what PostgreSQL refuses, by SQLSTATE (PostgreSQL documentation, appendix A). */
const ofState: readonly (readonly [RegExp, ErrorClass])[] = [
  [/^53300$/, 'too_many_connections'],
  [/^40001$/, 'serialization'],
  [/^40P01$/, 'deadlock'],
  [/^55P03$/, 'lock_timeout'],
  // A statement that somebody cancelled has the same code.
  [/^57014$/, 'statement_timeout'],
  [/^25006$/, 'read_only'],
  [/^23/, 'constraint'],
  [/^(42501|28...)$/, 'privilege'],
];

/** The class of a failure, or of what caused it where it is an error of ours. */
export function errorClass(error: unknown): ErrorClass {
  // The pool's words when all of its connections stayed in use, or in the making.
  if (error instanceof Error && error.message === 'timeout exceeded when trying to connect')
    return 'no_free_connection';
  if (isConnectionLoss(error)) return 'connection';
  const state = sqlState(error);
  if (state !== undefined) return ofState.find(([pattern]) => pattern.test(state))?.[1] ?? 'other';
  return error instanceof Error && error.cause instanceof Error ? errorClass(error.cause) : 'other';
}
