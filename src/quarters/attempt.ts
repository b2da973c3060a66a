import { isAppError } from '../core/errors.ts';
import { isConnectionLoss, toAppError } from '../db/sqlstate.ts';
import { throwIfAborted } from '../platform/retry.ts';
import type { QuarterRun } from './context.ts';

/** What was tried and did not work. */
export interface Failure {
  readonly what: string;
  readonly code: string;
  readonly detail: string;
}

/**
 * Does one thing of many. Its failure goes into `failed` and does not keep the others from being done; a lost
 * connection and a wish to stop do.
 */
export async function attempt(
  what: string,
  run: QuarterRun,
  failed: Failure[],
  action: () => Promise<void>,
): Promise<void> {
  throwIfAborted(run.signal);
  try {
    await action();
  } catch (error) {
    // Somebody is at this quarter already, and a lost race is no failure.
    if (isAppError(error, 'quarter_busy')) return;
    const { kind, code, detail } = toAppError(error);
    if (kind === 'aborted' || isConnectionLoss(error)) throw error;
    failed.push({ what, code, detail });
  }
}
