import { createHash } from 'node:crypto';
import { fromKysely, type PgBoss } from 'pg-boss';
import { type QuarterVerb, transitions } from '../core/lifecycle.ts';
import type { Db } from '../db/schema.ts';
import type { JobQueue } from './job.ts';

/** A verb to be done to a quarter, and who wants it. */
export interface QuarterStep {
  readonly verb: QuarterVerb;
  readonly quarter: string;
  readonly actor: string;
  readonly reason?: string | undefined;
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
  heartbeat: 30,
  keepFor: 0,
};

/** The steps of the quarter line, as the rest of the program asks for them. */
export interface QuarterLine {
  /**
   * Asks for a step in the caller's transaction, best as its last statement. While the same verb of the same quarter
   * waits or runs it is the same request; one that failed is tried again.
   */
  request(trx: Db, step: QuarterStep): Promise<StepRequest>;
  /** Lets the failed step of a quarter be tried again, and with it those behind it. False when none failed. */
  retry(trx: Db, quarter: string): Promise<boolean>;
  /** The quarters whose line stands still behind a failed step. */
  blocked(): Promise<string[]>;
}

/** `db` is for `blocked`, `sender` gives pg-boss' statements on a connection. */
export function createQuarterLine(db: Db, sender: (db: Db) => PgBoss): QuarterLine {
  const { name } = quarterLine;

  /** A final failure leaves a wait behind that a retry respects, so that is taken away too. */
  async function retryNow(trx: Db, id: string): Promise<void> {
    const boss = sender(trx);
    await boss.retry(name, id, { db: fromKysely(trx) });
    await boss.update(name, undefined, { id, startAfter: 0, db: fromKysely(trx) });
  }

  return {
    async request(trx, step) {
      const boss = sender(trx);
      const db = fromKysely(trx);
      const id = stepId(step);
      const send = () => boss.send(name, step, { id, singletonKey: step.quarter, db });
      if ((await send()) !== null) return 'enqueued';
      const [known] = await boss.findJobs(name, { id, db });
      if (known?.state === 'failed') {
        await retryNow(trx, id);
        return 'retried';
      }
      if (known !== undefined) return 'waiting';
      // It was done, and forgotten, between the two statements.
      return (await send()) === null ? 'waiting' : 'enqueued';
    },

    async retry(trx, quarter) {
      const jobs = await sender(trx).findJobs(name, { key: quarter });
      const failed = jobs.find((job) => job.state === 'failed');
      if (failed !== undefined) await retryNow(trx, failed.id);
      return failed !== undefined;
    },

    blocked: () => sender(db).getBlockedKeys(name, { limit: 100_000 }),
  };
}

/**
 * One id for each verb of each quarter. pg-boss orders a line by the time of the transaction and then by id, so steps
 * asked for in one transaction would run in the order of a hash; this id (a version 8 UUID, RFC 9562) begins with
 * the verb's place in a quarter's life.
 */
function stepId({ verb, quarter }: QuarterStep): string {
  const place = Object.keys(transitions).indexOf(verb).toString(16).padStart(8, '0');
  const hash = createHash('sha256').update(`${quarter} ${verb}`).digest('hex');
  return `${place}-${hash.slice(0, 4)}-8${hash.slice(4, 7)}-8${hash.slice(7, 10)}-${hash.slice(10, 22)}`;
}
