import { AppError } from '../src/core/errors.ts';
import type { QuarterNote, QuarterVerb } from '../src/core/lifecycle.ts';
import { transitionOf } from '../src/core/lifecycle.ts';
import { type ApprovedVerb, readApprovals, requestApproval } from '../src/quarters/approvals.ts';
import type { QuarterRun } from '../src/quarters/context.ts';
import {
  nothingToDo,
  type Obstacle,
  type Outlook,
  refusalOf,
  requireClear,
} from '../src/quarters/outlook.ts';
import { reasonObstacle } from '../src/quarters/reason.ts';
import { readQuarter } from '../src/quarters/registry.ts';
import { quarterActions } from '../src/quarters/verbs.ts';
import type { QuarterJob } from '../src/queue/quarter-jobs.ts';
import { stepId } from '../src/queue/quarter-line.ts';
import type { QuarterStep } from '../src/queue/quarter-step.ts';
import { createDefiner, type Definer } from './define.ts';
import type { JobHouse } from './house.ts';
import { type NextStep, nextStep, planSteps } from './quarter-plan.ts';
import { readPlanned } from './quarter-tick.ts';
import { overtaken, requireRetryable } from './retry-step.ts';

/** Something that somebody wants done to a quarter. */
export interface QuarterRequest {
  readonly verb: QuarterVerb | QuarterNote;
  readonly quarter: string;
  readonly actor: string;
  readonly reason?: string | undefined;
  readonly until?: Date | undefined;
  readonly into?: string | undefined;
}

/** What became of it: it is done, now or before (then there is no report), or a worker will do it. */
export type QuarterAnswer =
  | { readonly done: true; readonly report: object | undefined }
  | { readonly done: false; readonly job: QuarterJob };

type DeskHouse = Pick<JobHouse, 'database' | 'quarters' | 'queue' | 'calendar' | 'clock' | 'config'>;

/** Short, but they create or alter tables, which the role of an API may not. */
const defining: readonly string[] = ['create', 'reopen'];

/** Where quarters are seen to by people who do not wait: what is short is done at once, what is long by a worker. */
export interface QuarterDesk {
  /** What it finds and would do; nothing is changed. */
  preview(request: QuarterRequest): Promise<Outlook>;
  /**
   * Does it, or has it done. What stands in the way is said at once; what passes by itself the worker waits for. An archive or
   * a drop that takes two people is refused until the second has approved, and goes on by itself then.
   *
   * @throws AppError of the obstacles; not_found/no_such_quarter
   */
  ask(request: QuarterRequest): Promise<QuarterAnswer>;
  /**
   * Has a worker do what two people have agreed on.
   *
   * @throws AppError config/not_migrated when there are no queues
   */
  goOn(quarter: string): Promise<readonly QuarterJob[]>;
  /**
   * Asks for a step that failed once more, as it was asked for, under the name of who wants it now.
   *
   * @throws AppError not_found/job_not_found, conflict/job_not_failed, conflict/job_overtaken, and as `ask` does
   */
  retry(id: string, actor: string): Promise<QuarterJob>;
  /** What comes next by itself. */
  next(quarter: string): Promise<NextStep | undefined>;
  /** The same of all quarters, by their names, in one reading. */
  nexts(): Promise<ReadonlyMap<string, NextStep>>;
}

export function createQuarterDesk(
  house: DeskHouse,
  { mayDefine }: Pick<Definer, 'mayDefine'> = createDefiner(house),
): QuarterDesk {
  const { database, quarters, queue } = house;

  async function enqueue(steps: readonly QuarterStep[]): Promise<QuarterJob[]> {
    await database.write.transaction().execute(async (trx) => {
      for (const step of steps) await queue.quarters.request(trx, step);
    });
    const jobs = await Promise.all(steps.map((step) => queue.quarters.job(stepId(step))));
    return jobs.filter((job) => job !== undefined);
  }

  async function preview(request: QuarterRequest): Promise<Outlook> {
    const { verb, quarter } = request;
    // A quarter may be created of which nobody knows anything yet.
    if (verb !== 'create') await readQuarter(database.write, quarter);
    return quarterActions[verb].preview(quarters, runOf(request), quarter);
  }

  /** Keeps the request where nothing but the second person is missing. */
  async function previewAsking(request: QuarterRequest): Promise<Outlook> {
    const { verb, quarter } = request;
    const outlook = await preview(request);
    const waits = outlook.obstacles.every(({ code }) => code === 'approval_required');
    if (!isApproved(verb) || !waits || outlook.obstacles.length === 0) return outlook;
    await requestApproval(quarters, runOf(request), await readQuarter(database.write, quarter), verb);
    return preview(request);
  }

  async function goOn(quarter: string): Promise<QuarterJob[]> {
    const row = await readQuarter(database.write, quarter);
    const steps: QuarterStep[] = [];
    for (const approval of await readApprovals(database.write, row)) {
      const { verb, approved_by, requested_by: actor } = approval;
      if (approved_by === null || !transitionOf(verb).from.includes(row.state)) continue;
      const step = { verb, quarter, actor, reason: approval.reason ?? undefined };
      const { obstacles } = await preview(step);
      if (lasting(obstacles).length === 0) steps.push(step);
    }
    const jobs = await enqueue(steps);
    // What the schedule had wanted it for, as the verify and the detach, goes on behind it.
    if (steps.length > 0) await queue.enqueue(database.write, 'quarter-tick');
    return jobs;
  }

  async function ask(request: QuarterRequest, { byWorker = false } = {}): Promise<QuarterAnswer> {
    const { verb, quarter, actor, reason, until, into } = request;
    const action = quarterActions[verb];
    const run = runOf(request);
    if (action.needsReason) {
      requireClear({ ...nothingToDo, obstacles: reasonObstacle(run, verb, quarter) });
    }
    const forWorker = byWorker || action.isLong || (defining.includes(verb) && !(await mayDefine()));
    if (!forWorker) {
      const report = await action.run(quarters, run, quarter);
      if (verb !== 'approve') return { done: true, report };
      const jobs = await goOn(quarter);
      return { done: true, report: { ...report, jobs: jobs.map(({ id }) => id) } };
    }
    const outlook = await previewAsking(request);
    if (outlook.done) return { done: true, report: undefined };
    const obstacles = lasting(outlook.obstacles);
    if (obstacles.length > 0) throw refusalOf(obstacles);
    const [job] = await enqueue([
      { verb: verb as QuarterVerb, quarter, actor, reason, until: until?.toISOString(), into },
    ]);
    return job === undefined ? { done: true, report: undefined } : { done: false, job };
  }

  async function nexts(): Promise<Map<string, NextStep>> {
    const { calendar, clock, config } = house;
    const rows = await readPlanned(house);
    const { withheld } = planSteps(rows, clock.now(), calendar, config);
    const kept = new Map(withheld.map((one) => [`${one.verb} ${one.quarter}`, one.why]));
    return new Map(
      rows.flatMap((row) => {
        const next = nextStep(row, calendar, config);
        if (next === undefined) return [];
        const why = kept.get(`${next.verb} ${row.quarter}`);
        return [[row.quarter, why === undefined ? next : { ...next, withheld: why }] as const];
      }),
    );
  }

  return {
    preview,
    goOn,

    ask: (request) => ask(request),

    async retry(id, actor) {
      const job = await queue.quarters.job(id);
      if (job === undefined) throw new AppError('not_found', 'job_not_found', `There is no job ${id}.`);
      await requireRetryable(database.write, job);
      const { quarter, reason, until, into } = job;
      const answer = await ask(
        {
          ...{ verb: job.verb as QuarterVerb, quarter, actor },
          ...{ reason: reason ?? undefined, until: until ?? undefined, into: into ?? undefined },
        },
        // It was a worker's before, and its end is kept with the job.
        { byWorker: true },
      );
      if (answer.done) throw overtaken(job, 'it is done');
      return answer.job;
    },

    next: async (quarter) => (await nexts()).get(quarter),
    nexts,
  };
}

function runOf({ actor, reason, until, into }: QuarterRequest): QuarterRun {
  return { actor, reason, until, into };
}

function isApproved(verb: string): verb is ApprovedVerb {
  return verb === 'archive' || verb === 'drop';
}

/** What does not go away by itself. */
function lasting(obstacles: readonly Obstacle[]): Obstacle[] {
  return obstacles.filter(({ kind }) => kind !== 'busy');
}
