import { stopwatch } from '../src/core/clock.ts';
import { AppError } from '../src/core/errors.ts';
import { mayDefineTables } from '../src/db/inspect.ts';
import { pause } from '../src/platform/retry.ts';
import type { QuarterRun } from '../src/quarters/context.ts';
import { type EnsureReport, ensureQuarters, missingQuarters } from '../src/quarters/create.ts';
import { stepId } from '../src/queue/quarter-line.ts';
import type { JobHouse } from './house.ts';

export interface DefineOptions {
  /** Seconds in which a worker must have created what is missing (60), and between two looks (0.25). */
  readonly within?: number;
  readonly every?: number;
}

/** Who creates the quarters that are missing: this process, or a worker where its role defines no tables. */
export interface Definer {
  /** Whether this process may do it itself. Asked once, for a role is what it is for as long as a process lives. */
  mayDefine(): Promise<boolean>;
  /**
   * Sees that rows from `from` to `to` have a quarter to go to, as ensureQuarters does.
   *
   * @throws AppError what ensureQuarters throws; unavailable/no_worker, and what the worker says where it cannot create one
   */
  ensure(run: QuarterRun, from: Date, to: Date): Promise<EnsureReport>;
}

export function createDefiner(
  { database, quarters, queue }: Pick<JobHouse, 'database' | 'quarters' | 'queue'>,
  { within = 60, every = 0.25 }: DefineOptions = {},
): Definer {
  let known: boolean | undefined;

  async function mayDefine(): Promise<boolean> {
    known ??= await mayDefineTables(database.write);
    return known;
  }

  /** The create of one quarter fills the gap to those there are. */
  async function askWorker(quarter: string, { actor, signal }: QuarterRun): Promise<void> {
    const step = { verb: 'create', quarter, actor } as const;
    await database.write.transaction().execute((trx) => queue.quarters.request(trx, step));
    const waited = stopwatch();
    for (;;) {
      const job = await queue.quarters.job(stepId(step));
      if (job === undefined || job.state === 'done') return;
      if (job.state === 'failed' && job.error !== null) {
        const { kind, code, detail } = job.error as unknown as Pick<AppError, 'kind' | 'code' | 'detail'>;
        throw new AppError(kind, code, detail);
      }
      if (waited() > within) {
        const detail = `${quarter} is missing, and no worker has created it within ${within} s. See that \`quartermaster worker\` runs and what it logs; the request for it stays. Then try again.`;
        throw new AppError('unavailable', 'no_worker', detail);
      }
      await pause(every * 1000, signal);
    }
  }

  return {
    mayDefine,
    async ensure(run, from, to) {
      if (await mayDefine()) return ensureQuarters(quarters, run, from, to);
      return ensureQuarters(quarters, run, from, to, async (first, last) => {
        const missing = () => missingQuarters(quarters, first, last);
        const wanted = await missing();
        // With both ends there is all between them, as a rule.
        for (const quarter of new Set([...wanted.slice(0, 1), ...wanted.slice(-1), ...wanted])) {
          // Of one that is there nothing is asked, which would take a failed step out of its line.
          if ((await missing()).includes(quarter)) await askWorker(quarter, run);
        }
        return wanted;
      });
    },
  };
}
