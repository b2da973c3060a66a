import type { QuarterVerb } from '../core/lifecycle.ts';
import type { Db } from '../db/schema.ts';
import type { Progress } from './job.ts';
import type { QuarterStep } from './quarter-step.ts';

/** A step of the quarter line as those who asked for it can follow it, long after the queue has forgotten it. */
export interface QuarterJob {
  readonly id: string;
  readonly quarter: string;
  readonly verb: string;
  readonly actor: string;
  readonly reason: string | null;
  readonly until: Date | null;
  readonly into: string | null;
  /** `waiting` with an error: it failed for now, and is tried again by itself. */
  readonly state: 'waiting' | 'running' | 'done' | 'failed';
  readonly progress: Progress | null;
  readonly report: Record<string, unknown> | null;
  /** kind, code and detail of the last failure; `quotes` where the words are those of PostgreSQL, a store or the system. */
  readonly error: Record<string, unknown> | null;
  readonly requestedAt: Date;
  readonly startedAt: Date | null;
  readonly updatedAt: Date;
  readonly finishedAt: Date | null;
}

export interface JobFilter {
  readonly quarter?: string | undefined;
  /** Only those that failed, and that nothing has replaced since. */
  readonly failed?: boolean | undefined;
  /** The newest so many. */
  readonly limit: number;
}

/** The code of a step that something else was asked for instead of. */
export const SUPERSEDED = 'superseded';

const columns = [
  'id',
  'quarter',
  'verb',
  'actor',
  'reason',
  'until',
  'into_schema',
  'state',
  'what',
  'done',
  'total',
  'report',
  'error',
  'requested_at',
  'started_at',
  'updated_at',
  'finished_at',
] as const;

/** Keeps that a step was asked for. `fresh`: it begins anew, whatever became of it before. */
export async function recordRequest(
  trx: Db,
  id: string,
  step: QuarterStep,
  { fresh }: { fresh: boolean },
): Promise<void> {
  const row = {
    id,
    quarter: step.quarter,
    verb: step.verb satisfies QuarterVerb,
    actor: step.actor,
    reason: step.reason ?? null,
    until: step.until === undefined ? null : new Date(step.until),
    into_schema: step.into ?? null,
    state: 'waiting' as const,
    ...{ what: null, done: null, total: null, report: null, error: null },
    ...{ started_at: null, finished_at: null },
  };
  const insert = trx.insertInto('quartermaster.quarter_jobs').values(row);
  await insert
    .onConflict((conflict) =>
      fresh
        ? conflict.column('id').doUpdateSet((given) => ({
            ...row,
            requested_at: given.fn<Date>('now'),
            updated_at: given.fn<Date>('now'),
          }))
        : conflict.column('id').doNothing(),
    )
    .execute();
}

/** A worker begins, or begins again. */
export async function recordStart(db: Db, id: string): Promise<void> {
  await db
    .updateTable('quartermaster.quarter_jobs')
    .set((now) => ({
      state: 'running',
      ...{ what: null, done: null, total: null, error: null, finished_at: null },
      started_at: now.fn<Date>('now'),
      updated_at: now.fn<Date>('now'),
    }))
    .where('id', '=', id)
    .execute();
}

export async function recordProgress(db: Db, id: string, { what, done, total }: Progress): Promise<void> {
  await db
    .updateTable('quartermaster.quarter_jobs')
    .set((now) => ({
      what,
      done: wholeOf(done),
      total: total === undefined ? null : wholeOf(total),
      updated_at: now.fn<Date>('now'),
    }))
    .where('id', '=', id)
    .where('state', '=', 'running')
    .execute();
}

/** `waiting` is the end of a try that is not the last. */
export async function recordEnd(
  db: Db,
  id: string,
  state: 'done' | 'failed' | 'waiting',
  said: { readonly report?: string; readonly error?: object },
): Promise<void> {
  await db
    .updateTable('quartermaster.quarter_jobs')
    .set((now) => ({
      state,
      report: said.report ?? null,
      error: said.error === undefined ? null : JSON.stringify(said.error),
      updated_at: now.fn<Date>('now'),
      ...(state === 'waiting' ? {} : { finished_at: now.fn<Date>('now') }),
      // Of what is done the report tells; how far it had come when that was last noted would only puzzle.
      ...(state === 'done' ? { what: null, done: null, total: null } : {}),
    }))
    .where('id', '=', id)
    .execute();
}

/** Steps that were taken out of the line before they were done. */
export async function recordForgotten(trx: Db, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const detail = 'A step before it failed, and something else was asked for since.';
  const error = JSON.stringify({ kind: 'aborted', code: SUPERSEDED, detail });
  await trx
    .updateTable('quartermaster.quarter_jobs')
    .set((now) => ({ state: 'failed', error, updated_at: now.fn<Date>('now') }))
    .where('id', 'in', ids)
    .where('state', 'in', ['waiting', 'running'])
    .execute();
}

export async function findQuarterJob(db: Db, id: string): Promise<QuarterJob | undefined> {
  const row = await db
    .selectFrom('quartermaster.quarter_jobs')
    .select(columns)
    .where('id', '=', id)
    .executeTakeFirst();
  return row && jobOf(row);
}

/** The newest first. */
export async function listQuarterJobs(db: Db, { quarter, failed, limit }: JobFilter): Promise<QuarterJob[]> {
  const rows = await db
    .selectFrom('quartermaster.quarter_jobs')
    .select(columns)
    .$if(quarter !== undefined, (some) => some.where('quarter', '=', quarter ?? ''))
    .$if(failed === true, (some) =>
      some
        .where('state', '=', 'failed')
        .where((column) => column(column.ref('error', '->>').key('code'), 'is distinct from', SUPERSEDED)),
    )
    .orderBy('requested_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
  return rows.map(jobOf);
}

type Row = Omit<
  QuarterJob,
  'into' | 'progress' | 'requestedAt' | 'startedAt' | 'updatedAt' | 'finishedAt'
> & {
  readonly into_schema: string | null;
  readonly what: string | null;
  readonly done: bigint | null;
  readonly total: bigint | null;
  readonly requested_at: Date;
  readonly started_at: Date | null;
  readonly updated_at: Date;
  readonly finished_at: Date | null;
};

function jobOf({ id, quarter, verb, actor, reason, until, state, report, error, ...row }: Row): QuarterJob {
  const total = row.total === null ? undefined : Number(row.total);
  return {
    ...{ id, quarter, verb, actor, reason, until, state, report, error },
    into: row.into_schema,
    progress: row.what === null ? null : { what: row.what, done: Number(row.done ?? 0n), total },
    requestedAt: row.requested_at,
    startedAt: row.started_at,
    updatedAt: row.updated_at,
    finishedAt: row.finished_at,
  };
}

/** Progress is for people: a part of a unit is none. */
function wholeOf(count: number): bigint {
  return BigInt(Math.max(0, Math.trunc(Number.isFinite(count) ? count : 0)));
}
