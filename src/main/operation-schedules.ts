import { longestInterval } from '../core/cron.ts';
import { SCHEDULE_KNOWN } from '../db/measurements.ts';
import type { Job } from '../queue/job.ts';
import type { JobOutcome } from '../queue/outcomes.ts';

/** A queue, and what runs in it. */
export interface KnownQueue {
  readonly name: string;
  readonly schedule: string | undefined;
  /** Seconds between two runs at most; undefined without a schedule. */
  readonly interval: number | undefined;
  /** The jobs that share it. */
  readonly jobs: readonly string[];
}

/** Those with a schedule first. */
export function queuesOf(jobs: readonly Pick<Job, 'name' | 'queue' | 'schedule'>[]): KnownQueue[] {
  const byQueue = Map.groupBy(jobs, ({ queue }) => queue.name);
  const queues = [...byQueue].map(([name, sharing]) => {
    const schedule = sharing.find((job) => job.schedule !== undefined)?.schedule;
    const interval = schedule === undefined ? undefined : longestInterval(schedule);
    return { name, schedule, interval, jobs: sharing.map((job) => job.name) };
  });
  return queues.sort((a, b) => Number(a.schedule === undefined) - Number(b.schedule === undefined));
}

/** How the jobs of a queue ended last. */
export interface QueueEnds {
  readonly succeededAt: Date | null;
  readonly failedAt: Date | null;
  /** The code of the last failure, while nothing has ended well since. */
  readonly failure: string | null;
  /** Its turns are past and none has ended well: the rule of the alerts, and their limits. */
  readonly isOverdue: boolean;
}

/** The one job whose silence is told sooner: without it there is a day when nothing can be posted. */
const RECONCILE = 'reconcile-partitions';

export function endsOf(
  { name, interval, jobs }: KnownQueue,
  outcomes: readonly JobOutcome[],
  measurements: readonly { readonly metric: string; readonly label: string; readonly value: number }[],
  now: Date,
): QueueEnds {
  const mine = outcomes.filter(({ job }) => jobs.includes(job));
  const succeededAt = latest(mine.map((one) => one.succeededAt));
  const failedAt = latest(mine.map((one) => one.failedAt));
  const isFailing = failedAt !== null && (succeededAt === null || failedAt > succeededAt);
  const failure = isFailing ? (mine.find((one) => one.failedAt === failedAt)?.failure ?? null) : null;
  // One that has never ended well is silent since it was first known of.
  const known = measurements.find((one) => one.metric === SCHEDULE_KNOWN && one.label === name);
  const since = succeededAt === null ? known?.value : succeededAt.getTime() / 1000;
  const limit = name === RECONCILE ? 3 * 3600 : 2 * (interval ?? 0) + 900;
  const isOverdue = interval !== undefined && since !== undefined && now.getTime() / 1000 - since > limit;
  return { succeededAt, failedAt, failure, isOverdue };
}

function latest(instants: readonly (Date | null)[]): Date | null {
  return instants.reduce((last, one) => (last === null || (one !== null && one > last) ? one : last), null);
}
