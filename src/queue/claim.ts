import type { JobWithMetadata } from 'pg-boss';

/** How a run came to its job. */
export interface Claim {
  /**
   * Seconds for which the job could have been run, by the database's clock; of a retry, since its wait was over. A step
   * in a line is ready from when it was asked for, also while the steps before it run.
   */
  readonly readySeconds: number;
  /** True when it was taken from a worker that gave no sign of life. */
  readonly isTakeover: boolean;
}

/** pg-boss' own words for it, which it leaves in the job until the next run has settled. */
export const HEARTBEAT_LOST = 'job heartbeat timeout';

export function claimOf({ createdOn, startAfter, startedOn, retryCount, output }: JobWithMetadata): Claim {
  const readyAt = Math.max(createdOn.getTime(), startAfter.getTime());
  return {
    readySeconds: Math.max(0, startedOn.getTime() - readyAt) / 1000,
    isTakeover: retryCount > 0 && isHeartbeatLost({ output }),
  };
}

export function isHeartbeatLost({ output }: Pick<JobWithMetadata, 'output'>): boolean {
  const { value } = (output ?? {}) as { value?: { message?: unknown } };
  return value?.message === HEARTBEAT_LOST;
}
