import type { Logger } from './logger.ts';

/** A part of a process that is started once and stopped once, such as the API server or the worker. */
export interface Service {
  readonly name: string;
  start(): Promise<void>;
  /** Finishes what is under way and lets go of everything. Called only after a start, and once. */
  stop(): Promise<void>;
}

/**
 * Starts the services in order, waits until `signal` fires, and stops them in the opposite order. A service that fails to
 * start has those before it stopped too; a failure to stop does not keep the others from stopping. The first failure
 * is thrown at the end.
 */
export async function runServices(
  services: readonly Service[],
  options: { signal: AbortSignal; logger: Logger; onReady?: () => void },
): Promise<void> {
  const started: Service[] = [];
  const failures: unknown[] = [];
  try {
    for (const service of services) {
      if (options.signal.aborted) break;
      await service.start();
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
    failures.push(error);
  }
  for (const service of started.reverse()) {
    try {
      await service.stop();
      options.logger.debug({ part: service.name }, 'stopped');
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
