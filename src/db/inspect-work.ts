import { sql } from 'kysely';
import type { Db } from './schema.ts';

/** A process that takes jobs from the queues, as it has registered itself. */
export interface WorkerFacts {
  readonly host: string;
  readonly pid: number;
  /** Of the queue's library and of Node: two of either are two versions of the software. */
  readonly queueVersion: string;
  readonly nodeVersion: string;
  /** Seconds since its last sign of life. */
  readonly silent: number;
}

/** Those that have not stopped in order; one that was killed is among them for a while. Newest sign of life first. */
export async function readWorkers(db: Db): Promise<WorkerFacts[]> {
  const { rows } = await sql<WorkerFacts>`
    SELECT host, pid, version AS "queueVersion", node_version AS "nodeVersion",
           greatest(extract(epoch FROM clock_timestamp() - heartbeat_on), 0)::float8 AS silent
    FROM pgboss.instance
    WHERE stopped_on IS NULL AND application_name = 'quartermaster worker' ORDER BY heartbeat_on DESC`.execute(
    db,
  );
  return rows;
}

/** A job that runs by schedule, and how it last ended. */
export interface ScheduleFacts {
  readonly job: string;
  readonly cron: string;
  /** Seconds since then; null where it never was. */
  readonly succeeded: number | null;
  readonly failed: number | null;
  /** The code of the last failure. */
  readonly failure: string | null;
  /** Since the schedule was stored. */
  readonly known: number;
}

export async function readSchedules(db: Db): Promise<ScheduleFacts[]> {
  const { rows } = await sql<ScheduleFacts>`
    SELECT s.name AS job, s.cron, o.failure,
           extract(epoch FROM clock_timestamp() - o.succeeded_at)::float8 AS succeeded,
           extract(epoch FROM clock_timestamp() - o.failed_at)::float8 AS failed,
           extract(epoch FROM clock_timestamp() - s.created_on)::float8 AS known
    FROM pgboss.schedule AS s LEFT JOIN quartermaster.job_outcomes AS o ON o.job_name = s.name
    ORDER BY s.name`.execute(db);
  return rows;
}

/** Jobs that failed and are not tried again by themselves, and queues by name. */
export interface QueueState {
  readonly names: readonly string[];
  readonly failed: readonly { readonly queue: string; readonly jobs: number; readonly lines: number }[];
  /** Seconds for which the longest-waiting job could have been taken; 0 without one. */
  readonly ready: number;
}

/** None where the queues are not installed. */
export async function readQueueState(db: Db): Promise<QueueState | undefined> {
  const { rows: there } = await sql<{ there: boolean }>`
    SELECT to_regclass('pgboss.queue') IS NOT NULL AS there`.execute(db);
  if (there[0]?.there !== true) return undefined;
  const { rows } = await sql<{ queue: string; jobs: number; lines: number; ready: number }>`
    SELECT q.name AS queue,
           count(*) FILTER (WHERE j.state = 'failed' AND q.policy = 'key_strict_fifo')::int AS jobs,
           count(DISTINCT j.singleton_key) FILTER (WHERE j.state = 'failed' AND q.policy = 'key_strict_fifo')::int AS lines,
           coalesce(extract(epoch FROM clock_timestamp() - min(greatest(j.created_on, j.start_after)) FILTER (
             WHERE j.state = 'created' AND NOT j.blocked AND q.policy = 'stately')), 0)::float8 AS ready
    FROM pgboss.queue AS q
    LEFT JOIN pgboss.job AS j ON j.name = q.name AND j.state IN ('created', 'failed')
    GROUP BY q.name ORDER BY q.name`.execute(db);
  return {
    names: rows.map(({ queue }) => queue),
    failed: rows.filter(({ jobs }) => jobs > 0),
    ready: Math.max(0, ...rows.map(({ ready }) => ready)),
  };
}
