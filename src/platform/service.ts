import { AppError, isAppError } from '../core/errors.ts';
import type { Logger } from './logger.ts';

/** A part of a process that is started once and stopped once, such as the API server or the worker. */
export interface Service {
  readonly name: string;
  start(): Promise<void>;
  /** Finishes what is under way and lets go of everything. Called only after a start, and once. */
  stop(): Promise<void>;
}

export interface RunOptions {
  readonly signal: AbortSignal;
  readonly logger: Logger;
  readonly onReady?: () => void;
  /**
   * How long the end may take from when it is asked for, or a service could not start: a start that is under way, and all stops.
   * What has not ended by then is left as it is.
   */
  readonly stopWithinMs?: number;
}

/**
 * Starts the services in order, waits until `signal` fires, and stops them in the opposite order. A service that fails to
 * start has those before it stopped too; a failure to stop does not keep the others from stopping. The first failure
 * is thrown at the end. A start that is given up because the signal fires is none.
 *
 * @throws AppError unavailable/stop_timeout
 */
export async function runServices(services: readonly Service[], options: RunOptions): Promise<void> {
  const started: Service[] = [];
  const failures: unknown[] = [];
  const late = Promise.withResolvers<never>();
  late.promise.catch(() => {});
  let timer: NodeJS.Timeout | undefined;
  const beginToEnd = () => {
    timer ??= setTimeout(() => late.reject(tooLate(options)), options.stopWithinMs ?? MOST_MS);
  };
  options.signal.addEventListener('abort', beginToEnd, { once: true });
  try {
    for (const service of services) {
      if (options.signal.aborted) break;
      await Promise.race([service.start(), late.promise]);
      started.push(service);
    }
    if (!options.signal.aborted) {
      const asked = new Promise<void>((resolve) => {
        options.signal.addEventListener('abort', () => resolve(), { once: true });
      });
      options.onReady?.();
      await asked;
    }
  } catch (error) {
    if (!(options.signal.aborted && isAppError(error, 'aborted'))) failures.push(error);
  }
  beginToEnd();
  options.signal.removeEventListener('abort', beginToEnd);
  for (const service of started.reverse()) {
    try {
      await Promise.race([service.stop(), late.promise]);
      options.logger.debug({ part: service.name }, 'stopped');
    } catch (error) {
      failures.push(error);
    }
  }
  clearTimeout(timer);
  if (failures.length > 0) throw failures[0];
}

/** As long as a timer can be. */
const MOST_MS = 2 ** 31 - 1;

function tooLate({ stopWithinMs = MOST_MS }: RunOptions): AppError {
  const detail = `Not everything had ended ${stopWithinMs / 1000} s after the process was asked to stop, and it was cut off. Jobs are taken over by others; the log says what hung, as a rule a database that does not answer.`;
  return new AppError('unavailable', 'stop_timeout', detail);
}
