import type { OnBlocked } from '../db/locks.ts';
import type { Logger } from '../platform/logger.ts';
import type { Claim } from './claim.ts';

/** Progress of long work: of `total` units `done` are done. What was done before a resumed run is said at its start. */
export interface Progress {
  readonly what: string;
  readonly done: number;
  readonly total: number | undefined;
  /** What was written so far, where something is. */
  readonly bytes?: number;
}

/** One run of a job, by a worker or in the foreground. */
export interface JobRun {
  /** The id in the queue; two runs of one job that was taken over share it. */
  readonly id: string;
  /** Fires when the process wants to stop or another worker has taken the job over: end soon, leave nothing half done. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
  readonly onProgress: (progress: Progress) => void;
  /** Told each time the job finds somebody in its way. */
  readonly onBlocked?: OnBlocked | undefined;
  /** Told of rows of the summaries that are not what the ledger's rows come to, as they are found. */
  readonly onDifference?: ((rows: number) => void) | undefined;
  /** True when a failure is not tried again by itself, even one that may pass. */
  readonly isLastTry?: boolean;
  /** How a worker came to the job; undefined in the foreground. */
  readonly claim?: Claim | undefined;
}

/** Where jobs wait. Jobs may share a queue: then they wait for each other. */
export interface JobQueue {
  readonly name: string;
  /**
   * - `stately`: at most one job waits and one runs (a second request while one waits is the same request).
   * - `key_strict_fifo`: one line a key, strictly in order; a failed job stops its line and no other.
   *
   * It cannot be changed once the queue is installed.
   */
  readonly policy: 'stately' | 'key_strict_fifo';
  /** How many run at a time in one process. */
  readonly parallel: number;
  /** How often a failure that may pass by itself is tried again, and the seconds before the first and the longest wait. */
  readonly retries: number;
  readonly retryDelay: number;
  readonly retryDelayMax: number;
  /** Seconds after which a run is given up, a day at most. */
  readonly expireAfter: number;
  /** Seconds without a sign of life after which the worker is held to be dead and the job is given to another; 10 or more. */
  readonly heartbeat: number;
  /** Seconds a finished job is remembered; 0 forgets a success at once and keeps a failure until it is tried again. */
  readonly keepFor: number;
}

/** Something the worker does. Its data must survive JSON. */
export interface Job<Data extends object = object> {
  readonly name: string;
  readonly queue: JobQueue;
  /** Five cron fields, read in the ledger's time zone. One run makes up for all that were missed while nobody worked. */
  readonly schedule?: string;
  /** Also run when a worker starts; its data then has `atStart`. */
  readonly atStart?: boolean;
  /** Does the work and reports on it. May be run twice, and in two processes at once: it re-reads what it works on. */
  handle(data: Data, run: JobRun): Promise<object>;
}

/** The usual queue of a maintenance job: one at a time, tried again a few times within minutes. */
export function maintenanceQueue(name: string): JobQueue {
  return {
    name,
    policy: 'stately',
    parallel: 1,
    retries: 5,
    retryDelay: 2,
    retryDelayMax: 60,
    expireAfter: 6 * 3600,
    heartbeat: 10,
    keepFor: 86_400,
  };
}
