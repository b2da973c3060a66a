import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../core/errors.ts';
import type { Logger } from './logger.ts';

/** How long a check may take. Kubernetes gives up after one second unless told otherwise. */
const CHECK_MS = 800;

/** Something that must be well before a process is sent work. */
export interface ReadinessCheck {
  readonly name: string;
  /** Resolves when it is well; rejects, or takes too long, when it is not. */
  check(): Promise<void>;
}

export interface CheckResult {
  readonly name: string;
  readonly ok: boolean;
  /** Why it is not well, for whoever asks. */
  readonly code?: string;
}

export interface Readiness {
  readonly checks: CheckResult[];
  /** Where something is not well: unavailable/not_ready with the names. */
  readonly error?: AppError;
}

/**
 * Carries out all checks at once and gives what came of them, within a second. Why one is not well is said to the log.
 *
 * @param asAppError what a check throws, in our words
 * @param onLook told of each look whether all was well
 */
export function createReadiness(
  checks: readonly ReadinessCheck[],
  asAppError: (error: unknown) => AppError,
  onLook?: (isReady: boolean) => void,
): (logger: Pick<Logger, 'warn'>) => Promise<Readiness> {
  const runs = checks.map((check) => ({ name: check.name, run: oneAtATime(check, asAppError) }));
  return async (logger) => {
    const results = await Promise.all(
      runs.map(async ({ name, run }): Promise<CheckResult> => {
        const error = await run();
        if (error === undefined) return { name, ok: true };
        logger.warn({ err: error, check: name }, 'not ready');
        return { name, ok: false, code: error.code };
      }),
    );
    const failed = results.filter(({ ok }) => !ok).map(({ name }) => name);
    onLook?.(failed.length === 0);
    if (failed.length === 0) return { checks: results };
    const detail = `Not well: ${failed.join(', ')}.`;
    return { checks: results, error: new AppError('unavailable', 'not_ready', detail) };
  };
}

/**
 * Runs a check within CHECK_MS and gives its error, if any. A run that takes longer is not joined by another at the
 * next probe: a database that hangs must not collect connections.
 */
function oneAtATime(
  { name, check }: ReadinessCheck,
  asAppError: (error: unknown) => AppError,
): () => Promise<AppError | undefined> {
  let running: Promise<AppError | undefined> | undefined;
  return async () => {
    running ??= (async () => check())()
      .then(() => undefined, asAppError)
      .finally(() => {
        running = undefined;
      });
    const timer = new AbortController();
    const late = delay(CHECK_MS, undefined, { signal: timer.signal }).then(
      () => new AppError('unavailable', 'check_timeout', `${name} did not answer in ${CHECK_MS} ms.`),
      () => undefined,
    );
    try {
      return await Promise.race([running, late]);
    } finally {
      timer.abort();
    }
  };
}
