import { fromKysely } from 'pg-boss';
import { identifier } from '../db/identifier.ts';
import type { Db } from '../db/schema.ts';

/** A job that failed for good, as the queue remembers it: most for a day, a step of a quarter until it is asked for again. */
export interface QueueFailure {
  readonly id: string;
  /** The queue, or the verb of a quarter's step. */
  readonly name: string;
  /** Of a step: the quarter. */
  readonly quarter: string | null;
  readonly failedAt: Date;
  /** kind, code and detail; `quotes` where the words are those of PostgreSQL, a store or the system. */
  readonly error: Readonly<Record<string, unknown>>;
}

/** What a job left that no worker has said anything of: they died, or ran beyond its time. */
const LOST = {
  kind: 'unavailable',
  code: 'worker_lost',
  detail: 'Its workers ended one after the other, or it ran for longer than it may. Look at their logs.',
} as const;

/** The newest first. */
export async function readFailures(db: Db, schema: string, limit: number): Promise<QueueFailure[]> {
  const { rows } = await fromKysely(db).executeSql(
    `SELECT j.id, coalesce(j.data ->> 'verb', j.name) AS name, j.data ->> 'quarter' AS quarter,
           coalesce(j.completed_on, j.created_on) AS "failedAt", j.output
    FROM ${identifier(schema, 'job')} AS j
    WHERE j.state = 'failed'
    ORDER BY 4 DESC, j.id
    LIMIT $1`,
    [limit],
  );
  return (rows as (Omit<QueueFailure, 'error'> & { output: unknown })[]).map(({ output, ...row }) => ({
    ...row,
    error: isOurs(output) ? output : LOST,
  }));
}

/** What a worker of ours said. pg-boss itself leaves a message of its own. */
function isOurs(output: unknown): output is Readonly<Record<string, unknown>> {
  return typeof output === 'object' && output !== null && 'kind' in output && 'code' in output;
}
