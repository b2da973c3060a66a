import { longestInterval } from '../../core/cron.ts';
import { transitions } from '../../core/lifecycle.ts';
import {
  type QueueState,
  readQueueState,
  readSchedules,
  readWorkers,
  type ScheduleFacts,
  type WorkerFacts,
} from '../../db/inspect-work.ts';
import { type Check, type Fault, failed, some, together, warned } from './check.ts';
import type { Limits } from './limits.ts';
import { duration } from './sessions.ts';

const QUEUE = ['queue-installed'];

/** The queue that the steps of quarters share. */
const STEPS = 'quarter';

export const workChecks: readonly Check[] = [
  {
    name: 'queue-installed',
    group: 'The work',
    check: 'the queues are there',
    looks: "the queue's tables, and a queue for every job of this version",
    means: 'No process starts, and no job runs.',
    advice: 'Run `quartermaster migrate up` as the owner.',
    needs: ['schema'],
    ask: async (setup) => {
      const state = await readQueueState(await setup.db());
      if (state === undefined) return failed('They are not installed.');
      const { jobNames } = await setup.house();
      const missing = jobNames.filter((job) => !state.names.includes(job in transitions ? STEPS : job));
      return missing.length === 0 ? undefined : failed(`There is none for ${some(missing)}.`);
    },
  },
  {
    name: 'worker-seen',
    group: 'The work',
    check: 'a worker is at work',
    looks: 'workers that have given a sign of life in the last minutes',
    means:
      'No quarter is made, closed or archived; summaries stand still; writes fail when the quarters there are have passed.',
    advice: 'Start one: `quartermaster worker`; in Kubernetes see `kubectl get pods` and its log.',
    needs: QUEUE,
    ask: async (setup) => judgeWorkers(await readWorkers(await setup.db()), setup.limits.workerSilent),
  },
  {
    name: 'versions',
    group: 'The work',
    check: 'all workers run the same version',
    looks: 'the versions of Node and of the queue that workers that live have registered with',
    means: 'An upgrade has stopped half-way: old code and new take turns at the same jobs.',
    advice: 'Finish the roll-out, and end what is left of the old version: `kubectl rollout status`.',
    needs: QUEUE,
    ask: async (setup) => {
      const live = (await readWorkers(await setup.db())).filter(
        ({ silent }) => silent < setup.limits.workerSilent,
      );
      return judgeVersions(live);
    },
  },
  {
    name: 'jobs-failed',
    group: 'The work',
    check: 'no step of a quarter has failed',
    looks: 'steps that failed and are not tried again by themselves',
    means: 'The quarter stands still, and every later step of it waits.',
    advice:
      'See why: `quartermaster quarters show QUARTER`; mend it, and give the verb again. docs/runbooks/quarter-blocked.md says more.',
    needs: QUEUE,
    ask: async (setup) => {
      const state = await readQueueState(await setup.db());
      return judgeFailed(state as QueueState);
    },
  },
  {
    name: 'jobs-overdue',
    group: 'The work',
    check: 'every job that runs by schedule has run',
    looks: 'when each job last ended well, against its schedule; and jobs that wait to be taken',
    means: 'What that job cares for gets worse without anybody noticing.',
    advice: 'See that a worker runs and what it logs of the job, or run it: `quartermaster run JOB`.',
    needs: QUEUE,
    ask: async (setup) => {
      const db = await setup.db();
      const [schedules, state] = await Promise.all([readSchedules(db), readQueueState(db)]);
      return judgeSchedules(schedules, state?.ready ?? 0, setup.limits);
    },
  },
];

export function judgeWorkers(workers: readonly WorkerFacts[], most: number): Fault | undefined {
  const [newest] = workers;
  if (newest !== undefined && newest.silent < most) return undefined;
  return failed(
    newest === undefined
      ? 'There is none.'
      : `The last one, process ${newest.pid} on ${newest.host}, gave its last sign of life ${duration(newest.silent)} ago.`,
  );
}

export function judgeVersions(live: readonly WorkerFacts[]): Fault | undefined {
  const versions = new Set(
    live.map(
      ({ queueVersion, nodeVersion }) => `queue ${queueVersion} on Node ${nodeVersion.replace(/^v/, '')}`,
    ),
  );
  if (versions.size < 2) return undefined;
  return warned(`${live.length} workers are of ${versions.size} versions: ${[...versions].join('; ')}.`);
}

export function judgeFailed({ failed: lines }: QueueState): Fault | undefined {
  if (lines.length === 0) return undefined;
  const told = lines.map(
    ({ queue, jobs, lines: count }) =>
      `${jobs} in ${queue}, which ${count === 1 ? 'blocks one line' : `block ${count} lines`}`,
  );
  return failed(`Failed: ${told.join('; ')}.`);
}

/** Grace for a run that takes its time, and for a worker that is being replaced. */
const GRACE_SECONDS = 900;

export function judgeSchedules(
  schedules: readonly ScheduleFacts[],
  ready: number,
  { jobReady }: Pick<Limits, 'jobReady'>,
): Fault | undefined {
  const faults: Fault[] = [];
  const named: string[] = [];
  for (const { job, cron, succeeded, failed: failedAgo, failure, known } of schedules) {
    const every = longestInterval(cron);
    // Of one that never ended well the schedule's own age counts.
    const isLate = (succeeded ?? known) > 2 * every + GRACE_SECONDS;
    const isFailing = failedAgo !== null && (succeeded === null || failedAgo < succeeded);
    if (!isLate && !isFailing) continue;
    named.push(`\`quartermaster run ${job}\``);
    const last = succeeded === null ? 'has never ended well' : `last ended well ${duration(succeeded)} ago`;
    const why = isFailing ? ` (it failed: ${failure})` : '';
    faults.push(
      isLate
        ? failed(`${job} ${last} and is due every ${duration(every)}${why}.`)
        : warned(`${job} failed ${duration(failedAgo ?? 0)} ago (${failure}).`),
    );
  }
  if (ready > jobReady) faults.push(warned(`A job has waited for ${duration(ready)} to be taken.`));
  const all = together(faults);
  if (all === undefined || named.length === 0) return all;
  return {
    ...all,
    advice: `See that a worker runs and what it logs of it, or run it and see: ${some(named)}.`,
  };
}
