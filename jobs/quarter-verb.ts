import { AppError } from '../src/core/errors.ts';
import type { QuarterVerb } from '../src/core/lifecycle.ts';
import type { QuarterHouse, QuarterRun } from '../src/quarters/context.ts';
import type { Job, JobRun } from '../src/queue/job.ts';
import { type QuarterStep, quarterLine } from '../src/queue/quarter-line.ts';
import type { JobHouse } from './house.ts';

type Verb = (house: QuarterHouse, run: QuarterRun, quarter: string) => Promise<object>;

/** A verb as a job on the quarter line; its data are the step. */
export function quarterVerbJob(house: JobHouse, name: QuarterVerb, verb: Verb): Job<QuarterStep> {
  return {
    name,
    queue: quarterLine,
    async handle({ quarter, actor, reason }, run) {
      if (quarter === undefined) {
        const detail = `${name} works on one quarter. Name it, as in \`quartermaster run ${name} 2024q1\`.`;
        throw new AppError('invalid', 'quarter_missing', detail);
      }
      return verb(house.quarters, quarterRun(run, { actor: actor ?? 'command line', reason }), quarter);
    },
  };
}

/** A run of a job as the quarters' verbs know it. */
export function quarterRun(run: JobRun, who: { actor: string; reason?: string | undefined }): QuarterRun {
  return {
    ...who,
    signal: run.signal,
    onProgress: run.onProgress,
    onBlocked: (relations, blockers, attempt, waiting) => {
      run.logger.warn({ relations, blockers, attempt }, 'waiting for a lock');
      run.onBlocked?.(relations, blockers, attempt, waiting);
    },
  };
}
