import { setTimeout as delay } from 'node:timers/promises';
import { toAppError } from '../db/sqlstate.ts';
import type { Metrics } from '../platform/metrics.ts';
import { createReadiness, type ReadinessCheck } from '../platform/readiness.ts';

/** Why it is not ready is said to whoever asks, and by the opening. */
const silent = { warn: () => {} };

/** How often a process looks at itself. */
const EVERY_MS = 15_000;

/** And until it is ready for the first time, so that a new pod is told of at once. */
const FIRST_MS = 1000;

export interface ReadinessWatchOptions {
  readonly process: 'api' | 'worker';
  readonly metrics: Metrics;
  readonly checks: readonly ReadinessCheck[];
  /** False until the process has what it needs to begin. */
  readonly isOpen: () => boolean;
  readonly everyMs?: number;
}

export interface ReadinessWatch {
  /** Takes note of a look that somebody else has asked for. */
  onLook(isReady: boolean): void;
  start(): void;
  /** From now on the process is not ready, whatever a look says that is still under way. */
  stop(): void;
}

/**
 * Keeps the gauge `ready`. It looks by itself, for what is told only when somebody asks is silent where nobody does; and beside the
 * page of metrics, so that a database that hangs keeps no page waiting.
 */
export function createReadinessWatch(options: ReadinessWatchOptions): ReadinessWatch {
  const { process, metrics, isOpen, everyMs = EVERY_MS } = options;
  const look = createReadiness(options.checks, toAppError);
  const stopped = new AbortController();
  const onLook = (isReady: boolean) =>
    metrics.set('ready', { process }, isReady && isOpen() && !stopped.signal.aborted ? 1 : 0);
  // From the first page on: what is not told yet is not ready.
  onLook(false);

  async function watch(): Promise<void> {
    let wasReady = false;
    while (!stopped.signal.aborted) {
      const isReady = (await look(silent)).error === undefined;
      onLook(isReady);
      wasReady ||= isReady && isOpen();
      const ms = wasReady ? everyMs : Math.min(everyMs, FIRST_MS);
      // Rejects when it is stopped, and keeps no process from ending.
      await delay(ms, undefined, { signal: stopped.signal, ref: false }).catch(() => {});
    }
  }

  return {
    onLook,
    start: () => void watch(),
    stop: () => {
      stopped.abort();
      onLook(false);
    },
  };
}
