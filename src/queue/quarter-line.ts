import { createHash } from 'node:crypto';
import { fromKysely, type PgBoss } from 'pg-boss';
import { type QuarterVerb, transitions } from '../core/lifecycle.ts';
import type { Db } from '../db/schema.ts';
import { rethrow } from './installed.ts';
import type { JobQueue } from './job.ts';
import {
  findQuarterJob,
  type JobFilter,
  listQuarterJobs,
  type QuarterJob,
  recordEnd,
  recordForgotten,
  recordRequest,
} from './quarter-jobs.ts';
import type { QuarterStep } from './quarter-step.ts';

/** A step that stands in a line. */
export interface StandingStep {
  readonly id: string;
  readonly verb: QuarterVerb;
  readonly actor: string;
  readonly state: 'waiting' | 'running' | 'failed';
}

/** What became of a request: a new job, one that waits or runs already, or a failed one that is tried again. */
export type StepRequest = 'enqueued' | 'waiting' | 'retried';

/**
 * The line of the quarter verbs. Steps of one quarter run strictly in the order in which they were asked for, and a
 * failed one stops those behind it; two quarters at a time are worked on in one process, for an archive may take
 * half a gigabyte of memory. A step that is done is forgotten at once, so that it can be asked for again under its
 * one id (the quarter's events remember it); a failed one is never deleted by age, for it must hold its line.
 */
export const quarterLine: JobQueue = {
  name: 'quarter',
  policy: 'key_strict_fifo',
  parallel: 2,
  retries: 8,
  retryDelay: 5,
  retryDelayMax: 600,
  expireAfter: 86_400,
  heartbeat: 10,
  keepFor: 0,
};

/** The steps of the quarter line, as the rest of the program asks for them. */
export interface QuarterLine {
  /**
   * Asks for a step in the caller's transaction, best as its last statement. While the same verb of the same quarter
   * waits or runs it is the same request; one that failed is tried again, as it is wanted now. Whoever asks has looked
   * whether it can be done: so another step that failed, and those that wait behind it, are taken out of its way.
   */
  request(trx: Db, step: QuarterStep): Promise<StepRequest>;
  /** Lets the failed step of a quarter be tried again, and with it those behind it. False when none failed. */
  retry(trx: Db, quarter: string): Promise<boolean>;
  /** The quarters whose line stands still behind a failed step. */
  blocked(): Promise<string[]>;
  /** What stands in the line of a quarter, in order. */
  steps(db: Db, quarter: string): Promise<StandingStep[]>;
  /** Takes steps out of the line that nobody works on. */
  forget(trx: Db, steps: readonly StandingStep[]): Promise<void>;
  /** What was asked for, and what became of it: the newest first; in the caller's transaction where there is one. */
  jobs(filter: JobFilter, trx?: Db): Promise<QuarterJob[]>;
  /** One of them, by the id of its step. */
  job(id: string): Promise<QuarterJob | undefined>;
}

/** `db` is for what is asked outside a transaction, `sender` gives pg-boss' statements on a connection. */
export function createQuarterLine(db: Db, sender: (db: Db) => PgBoss): QuarterLine {
  const { name } = quarterLine;

  /** A final failure leaves a wait behind that a retry respects, so that is taken away too. */
  async function retryNow(trx: Db, id: string, step?: QuarterStep): Promise<void> {
    const boss = sender(trx);
    await boss.retry(name, id, { db: fromKysely(trx) });
    await boss.update(name, step, { id, startAfter: 0, db: fromKysely(trx) });
  }

  async function steps(db: Db, quarter: string): Promise<StandingStep[]> {
    const jobs = await sender(db).findJobs<QuarterStep>(name, { key: quarter, db: fromKysely(db) });
    return jobs
      .filter(({ state }) => state in standing)
      .map(({ id, data, state }) => ({
        id,
        verb: data.verb,
        actor: data.actor,
        state: standing[state as keyof typeof standing],
      }));
  }

  async function forget(trx: Db, forgotten: readonly StandingStep[]): Promise<void> {
    const idle = forgotten.filter(({ state }) => state !== 'running').map(({ id }) => id);
    if (idle.length === 0) return;
    await sender(trx).deleteJob(name, idle, { db: fromKysely(trx) });
    await recordForgotten(trx, idle);
  }

  /** A line that stands still behind another step stands still for ever, unless somebody sees to it. */
  async function clearTheWay(trx: Db, id: string, quarter: string): Promise<void> {
    const others = (await steps(trx, quarter)).filter((one) => one.id !== id);
    if (others.some(({ state }) => state === 'failed')) await forget(trx, others);
  }

  async function send(trx: Db, id: string, step: QuarterStep): Promise<StepRequest> {
    const boss = sender(trx);
    const db = fromKysely(trx);
    const send = () => boss.send(name, step, { id, singletonKey: step.quarter, db });
    if ((await send()) !== null) return 'enqueued';
    const [known] = await boss.findJobs(name, { id, db });
    if (known?.state === 'failed') {
      await retryNow(trx, id, step);
      return 'retried';
    }
    if (known !== undefined) return 'waiting';
    // It was done, and forgotten, between the two statements.
    return (await send()) === null ? 'waiting' : 'enqueued';
  }

  async function request(trx: Db, step: QuarterStep): Promise<StepRequest> {
    const id = stepId(step);
    await clearTheWay(trx, id, step.quarter);
    const outcome = await send(trx, id, step);
    await recordRequest(trx, id, step, { fresh: outcome !== 'waiting' });
    return outcome;
  }

  async function retry(trx: Db, quarter: string): Promise<boolean> {
    const failed = (await steps(trx, quarter)).find(({ state }) => state === 'failed');
    if (failed === undefined) return false;
    await retryNow(trx, failed.id);
    await recordEnd(trx, failed.id, 'waiting', {});
    return true;
  }

  /** A worker that died too often, or could not keep that it was done, has left no word; the queue knows of it. */
  async function job(id: string): Promise<QuarterJob | undefined> {
    const isOver = ({ state }: QuarterJob) => state === 'done' || state === 'failed';
    const found = await findQuarterJob(db, id);
    if (found === undefined || isOver(found)) return found;
    const [known] = await sender(db).findJobs(name, { id });
    if (known === undefined) {
      // Only what is done leaves the queue without being put down as failed. It may have been put down since as well.
      const now = (await findQuarterJob(db, id)) ?? found;
      return isOver(now)
        ? now
        : { ...now, state: 'done', progress: null, error: null, finishedAt: now.updatedAt };
    }
    if (known.state !== 'failed') return found;
    const detail = 'Its workers ended one after the other, or knew nothing of it. Look at their logs.';
    const lost = { kind: 'unavailable', code: 'worker_lost', detail };
    return { ...found, state: 'failed', error: found.error ?? lost };
  }

  return {
    request: (trx, step) => request(trx, step).catch(rethrow),
    retry: (trx, quarter) => retry(trx, quarter).catch(rethrow),
    blocked: () => sender(db).getBlockedKeys(name, { limit: 100_000 }).catch(rethrow),
    steps: (db, quarter) => steps(db, quarter).catch(rethrow),
    forget: (trx, forgotten) => forget(trx, forgotten).catch(rethrow),
    jobs: (filter, trx = db) => listQuarterJobs(trx, filter),
    job: (id) => job(id).catch(rethrow),
  };
}

/** pg-boss' states of a job that is not over, in our words. */
const standing = { created: 'waiting', retry: 'waiting', active: 'running', failed: 'failed' } as const;

/**
 * One id for each verb of each quarter, and of each schema it is restored into. pg-boss orders a line by the time of the transaction and then by id, so steps
 * asked for in one transaction would run in the order of a hash; this id (a version 8 UUID, RFC 9562) begins with
 * the verb's place in a quarter's life.
 */
export function stepId({ verb, quarter, into }: Pick<QuarterStep, 'verb' | 'quarter' | 'into'>): string {
  const place = Object.keys(transitions).indexOf(verb).toString(16).padStart(8, '0');
  const hash = createHash('sha256').update([quarter, verb, into].filter(Boolean).join(' ')).digest('hex');
  return `${place}-${hash.slice(0, 4)}-8${hash.slice(4, 7)}-8${hash.slice(7, 10)}-${hash.slice(10, 22)}`;
}
