import { afterAll, beforeAll } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import type { RoleKey } from '../../src/db/grants.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { type Job, type JobQueue, maintenanceQueue } from '../../src/queue/job.ts';
import { createQueue, type Queue, type QueueOptions } from '../../src/queue/queue.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { inRole, underRoles } from '../support/roles.ts';
import { ways } from '../support/ways.ts';

/** A database and as many processes' queues on it as a test wants, for one test file. */
export interface QueueBench {
  readonly url: string;
  readonly database: Database;
  /** The same database as one of the roles, where the run is under roles and there is a schema. */
  as(role: RoleKey): Database;
  /** A queue as one process has it, with short waits. */
  open(options?: Partial<QueueOptions>): Queue;
}

/** Registers the hooks that make the database and drop it. */
export function useQueueBench(options: { migrated?: boolean } = {}): QueueBench {
  let created: TestDatabase;
  let database: Database;
  const others = new Map<RoleKey, Database>();
  beforeAll(async () => {
    created = await createDatabase({ migrated: options.migrated ?? false });
    database = openDatabase({ ...ways(created.url), poolMax: 4 });
  });
  afterAll(async () => {
    await Promise.all([database, ...others.values()].map((one) => one.close()));
    await created.drop();
  });
  return {
    get url() {
      return created.url;
    },
    get database() {
      return database;
    },
    as: (role) => {
      if (!options.migrated || !underRoles()) return database;
      const other = others.get(role) ?? openDatabase({ ...ways(inRole(created.url, role)), poolMax: 4 });
      others.set(role, other);
      return other;
    },
    open: (overrides = {}) =>
      createQueue({
        db: database.write,
        url: created.url,
        zone: 'Europe/Paris',
        logger: createLogger('silent'),
        pollEvery: 0.5,
        superviseEvery: 1,
        stopWithin: 5,
        ...overrides,
      }),
  };
}

/** A job with a queue of its own, without waits between retries. */
export function testJob(
  name: string,
  handle: Job['handle'],
  options: Partial<Omit<Job, 'queue'>> & { queue?: Partial<JobQueue> } = {},
): Job {
  const queue = { ...maintenanceQueue(name), retryDelay: 0, heartbeat: 10, ...options.queue };
  return { ...options, name, queue, handle };
}

/** Runs a worker on the jobs while `action` goes on. */
export async function whileWorking<T>(
  queue: Queue,
  jobs: readonly Job[],
  action: () => Promise<T>,
): Promise<T> {
  await queue.start(jobs);
  try {
    return await action();
  } finally {
    await queue.stop();
  }
}
