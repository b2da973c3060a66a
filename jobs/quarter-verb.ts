import { AppError } from '../src/core/errors.ts';
import type { QuarterVerb } from '../src/core/lifecycle.ts';
import type { QuarterHouse, QuarterRun } from '../src/quarters/context.ts';
import type { Job, JobRun } from '../src/queue/job.ts';
import { quarterLine } from '../src/queue/quarter-line.ts';
import type { QuarterStep } from '../src/queue/quarter-step.ts';
import { requestAfterVerb } from './after-verb.ts';
import { followed } from './follow.ts';
import type { JobHouse } from './house.ts';

type Verb = (house: QuarterHouse, run: QuarterRun, quarter: string) => Promise<object>;

/** A verb as a job on the quarter line; its data are the step. */
export function quarterVerbJob(house: JobHouse, name: QuarterVerb, verb: Verb): Job<QuarterStep> {
  return {
    name,
    queue: quarterLine,
    async handle({ quarter, actor = 'command line', reason, until, into }, run) {
      if (quarter === undefined) {
        const detail = `${name} works on one quarter. Name it, as in \`quartermaster run ${name} 2024q1\`.`;
        throw new AppError('invalid', 'quarter_missing', detail);
      }
      const asked = { actor, reason, until: until === undefined ? undefined : new Date(until), into };
      const report = await followed(house.database.write, run, (own) =>
        verb(house.quarters, quarterRun(own, asked), quarter),
      );
      await requestAfterVerb(house.queue, house.database.write, name, run.logger);
      return report;
    },
  };
}

/** A run of a job as the quarters' verbs know it. */
export function quarterRun(
  run: JobRun,
  asked: Pick<QuarterRun, 'actor' | 'reason' | 'until' | 'into'>,
): QuarterRun {
  return {
    ...asked,
    signal: run.signal,
    onProgress: run.onProgress,
    onBlocked: (relations, blockers, attempt, waiting) => {
      run.logger.warn({ relations, blockers, attempt }, 'waiting for a lock');
      run.onBlocked?.(relations, blockers, attempt, waiting);
    },
  };
}
