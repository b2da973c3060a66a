import type pg from 'pg';
import { AppError, isAppError } from '../core/errors.ts';
import { TimeLimit, withLease } from './lease.ts';
import { beginReadOnly, endReadOnly } from './read-only.ts';
import { isConnectionLoss, sqlState } from './sqlstate.ts';

/**
 * A read on the replica came to nothing, and that is no fault of the read: the primary can do it. A reader that finds
 * less than its caller has seen before, as a cursor may tell, throws one itself that is not serious.
 */
export class ReplicaFailure extends Error {
  /** True when the replica is to be left alone for a while. */
  readonly isSerious: boolean;

  constructor(message: string, isSerious: boolean, cause?: unknown) {
    super(message, { cause });
    this.name = 'ReplicaFailure';
    this.isSerious = isSerious;
  }
}

export interface ReplicaReadOptions {
  /** What the server must have replayed. */
  readonly needed: bigint;
  /** PostgreSQL's limit for each statement, in milliseconds. */
  readonly statementMs: number;
  /** What a server may take to begin and to end, and the whole action beyond `statementMs`; then the connection is cut. */
  readonly checkMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** `behind`: the server has not replayed what is needed, and nothing was read. */
export type ReplicaRead<T> = { readonly result: T } | 'behind';

/**
 * Runs the action in a read-only transaction on a server that has replayed what is needed. Asking and reading are one
 * transaction on one connection, for behind the replica's URL may be several servers and a pooler, so that the next
 * transaction may meet one that is behind.
 *
 * @throws ReplicaFailure where the primary may do better; the action's own failures as they came
 */
export async function readOnReplica<T>(
  pool: pg.Pool,
  options: ReplicaReadOptions,
  action: (client: pg.ClientBase) => Promise<T>,
): Promise<ReplicaRead<T>> {
  const { needed, statementMs, checkMs, signal } = options;
  let outcome: { result: T } | { error: unknown } | 'behind';
  try {
    outcome = await withLease(pool, { signal }, async ({ client, within }) => {
      const server = await within(checkMs, () => beginReadOnly(client, statementMs));
      if (!server.isStandby) throw new ReplicaFailure('it is no standby', true);
      const isBehind = server.replayed === undefined || server.replayed < needed;
      const settled = isBehind ? 'behind' : await settle(within(statementMs + checkMs, () => action(client)));
      // An action that failed by a rule of ours leaves a good connection; where the connection is gone this fails too.
      await within(checkMs, () => endReadOnly(client));
      return settled;
    });
  } catch (error) {
    if (isAppError(error) || error instanceof ReplicaFailure) throw error;
    // Whatever goes wrong with getting a session is the replica's: a refused login, a full server. Not so that all
    // connections of this process are in use.
    const isPoolEmpty = error instanceof Error && error.message === 'timeout exceeded when trying to connect';
    throw new ReplicaFailure(message(error), !isPoolEmpty, error);
  }
  if (outcome === 'behind' || 'result' in outcome) return outcome;
  throw failureOf(outcome.error) ?? outcome.error;
}

/**
 * The replica's part in a failure, if it has one. Serious are a lost connection, a query cancelled by replay or by its time limit,
 * a server without memory or disk. A table or column that is missing is a migration not replayed yet, and a write that is
 * refused is a read that also writes: both succeed on the primary and say nothing about the replica's health.
 */
export function failureOf(error: unknown): ReplicaFailure | undefined {
  // What a reader has turned into an error of ours keeps what it was made from.
  const origin = error instanceof AppError && error.cause !== undefined ? error.cause : error;
  if (origin instanceof ReplicaFailure) return origin;
  const state = sqlState(origin) ?? '';
  if (
    origin instanceof TimeLimit ||
    isConnectionLoss(origin) ||
    /^(40001|40P01|55P03|57...|08...|53...|58...|XX...)$/.test(state) ||
    /conflict with recovery/.test(message(origin))
  ) {
    return new ReplicaFailure(message(origin), true, error);
  }
  if (/^(25006|42P01|42703|42704|42883|3F000)$/.test(state)) {
    return new ReplicaFailure(message(origin), false, error);
  }
  return undefined;
}

function settle<T>(work: Promise<T>): Promise<{ result: T } | { error: unknown }> {
  return work.then(
    (result) => ({ result }),
    (error: unknown) => ({ error }),
  );
}

function message(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
