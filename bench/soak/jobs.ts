import type { JobHouse } from '../../jobs/house.ts';
import { allJobs } from '../../jobs/index.ts';
import type { Job, JobQueue } from '../../src/queue/job.ts';

/** All jobs; a soak has no time to wait half a minute for the heart of a killed worker, nor ten for another try. */
export function soakJobs(house: JobHouse): readonly Job[] {
  const queues = new Map<JobQueue, JobQueue>();
  return allJobs(house).map((job) => {
    const queue = queues.get(job.queue) ?? { ...job.queue, heartbeat: 10, retryDelay: 1, retryDelayMax: 2 };
    queues.set(job.queue, queue);
    // What is due is asked for by the conductor, by the time of the soak: cron knows only the machine's.
    const { schedule: _, ...unscheduled } = job;
    return { ...unscheduled, queue };
  });
}

/** The jobs that a schedule asks for. */
export function scheduledJobs(house: JobHouse): string[] {
  return allJobs(house)
    .filter(({ schedule }) => schedule !== undefined)
    .map(({ name }) => name);
}
