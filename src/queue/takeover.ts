import type { JobWithMetadata, PgBoss } from 'pg-boss';
import { identifier } from '../db/identifier.ts';
import { toAppError } from '../db/sqlstate.ts';
import type { Logger } from '../platform/logger.ts';
import { pause } from '../platform/retry.ts';
import { HEARTBEAT_LOST, isHeartbeatLost } from './claim.ts';

export interface TakeoverOptions {
  readonly schema: string;
  readonly queues: readonly string[];
  /** Seconds between two looks. */
  readonly every: number;
  readonly logger: Logger;
  /** Told of a queue in which there is work again. */
  readonly wake: (queue: string) => void;
  /** Told of a job whose last try ended with its worker: nothing ran that could tell how it ended. */
  readonly onLost: (job: Pick<JobWithMetadata, 'name' | 'data'>) => Promise<void>;
}

/** A job whose worker gave no sign of life; `waits` when it was taken from it and waits as after a failure. */
interface Lost {
  readonly name: string;
  readonly id: string;
  readonly heartbeat: string | null;
  readonly waits: boolean;
}

/**
 * Looks every second for jobs whose worker is dead, and gives them to whoever looks for work next.
 *
 * pg-boss does the same by itself, once a minute or as often as it is told, and then makes the job wait as if it had failed.
 * A pass of it is a dozen statements with counts over all queues; this look is one that as a rule finds nothing, so it can be
 * as often as a takeover within seconds asks for. What it finds is left to pg-boss, whose statements keep the policies of the queues; only
 * the wait is taken away. The try is not: a job that kills its workers must come to an end.
 *
 * A job counts as lost when two looks in a row find it so: after the database stood still the workers' heartbeats and this
 * look arrive at the same moment, and the heartbeats get their turn.
 */
export function watchForLostJobs(boss: PgBoss, options: TakeoverOptions): { stop(): Promise<void> } {
  const { schema, queues, every, logger, wake, onLost } = options;
  const stopping = new AbortController();
  let seen = new Set<string>();

  async function look(): Promise<void> {
    const { rows } = (await boss.getDb().executeSql(lostJobs(schema), [queues])) as { rows: Lost[] };
    const twice = rows.filter((job) => job.waits || seen.has(keyOf(job)));
    seen = new Set(rows.map(keyOf));
    for (const [queue, jobs] of Map.groupBy(twice, ({ name }) => name)) {
      if (jobs.some(({ waits }) => !waits)) await boss.supervise(queue);
      for (const { id } of jobs) {
        // Taken, settled or failed for good meanwhile: then it finds nothing.
        const { updated } = await boss.update(queue, undefined, { id, startAfter: 0 });
        if (updated > 0) {
          logger.warn({ queue, id }, 'a job is taken from a worker that gives no sign of life');
        } else await tellOfEnd(queue, id);
      }
      wake(queue);
    }
  }

  /** Two workers may both see it, and tell the same. */
  async function tellOfEnd(queue: string, id: string): Promise<void> {
    const [job] = await boss.findJobs<object>(queue, { id });
    if (job?.state !== 'failed' || !isHeartbeatLost(job)) return;
    logger.error({ queue, id }, 'a job failed for good: the worker of its last try gives no sign of life');
    await onLost(job);
  }

  async function watch(): Promise<void> {
    while (!stopping.signal.aborted) {
      await pause(every * 1000, stopping.signal).catch(() => {});
      if (stopping.signal.aborted) return;
      // The looks for work fail for the same reason, and pg-boss tells of those.
      await look().catch((error: unknown) => {
        logger.debug({ err: toAppError(error) }, 'could not look for lost jobs');
      });
    }
  }

  const watching = watch();
  return {
    stop: async () => {
      stopping.abort();
      await watching;
    },
  };
}

function keyOf({ name, id, heartbeat }: Lost): string {
  return `${name} ${id} ${heartbeat}`;
}

/** The words by which pg-boss says why it took a job away are its own; a test notices when they change. */
function lostJobs(schema: string): string {
  return `
    SELECT name, id, heartbeat_on::text AS heartbeat, state = 'retry' AS waits
    FROM ${identifier(schema, 'job')}
    WHERE name = ANY($1::text[]) AND (
      (state = 'active' AND heartbeat_on + heartbeat_seconds * interval '1 second' < now())
      OR (state = 'retry' AND start_after > now() AND output -> 'value' ->> 'message' = '${HEARTBEAT_LOST}'))`;
}
