import { stopwatch } from '../src/core/clock.ts';
import { quotesCause } from '../src/core/errors.ts';
import { stringify } from '../src/core/json.ts';
import type { Db } from '../src/db/schema.ts';
import { toAppError } from '../src/db/sqlstate.ts';
import type { JobRun, Progress } from '../src/queue/job.ts';
import { recordEnd, recordProgress, recordStart } from '../src/queue/quarter-jobs.ts';
import { mayPass } from '../src/queue/run-job.ts';

/** Seconds between two notes of how far it is. */
const NOTE_EVERY = 1;

/**
 * Runs a step of the quarter line and keeps, for whoever asked for it, that it runs, how far it is and how it ended. What
 * cannot be kept is no failure of the step: it goes to the log.
 */
export async function followed(
  db: Db,
  run: JobRun,
  action: (run: JobRun) => Promise<object>,
): Promise<object> {
  const { id } = run;
  const keep = (note: Promise<void>) =>
    note.catch((error: unknown) => run.logger.warn({ err: error }, 'how far the step is could not be kept'));
  const seconds = stopwatch();
  let next = 0;
  let noting: Promise<void> | undefined;
  const onProgress = (progress: Progress): void => {
    run.onProgress(progress);
    if (noting !== undefined || seconds() < next) return;
    next = seconds() + NOTE_EVERY;
    noting = keep(recordProgress(db, id, progress)).finally(() => {
      noting = undefined;
    });
  };

  await keep(recordStart(db, id));
  try {
    const report = await action({ ...run, onProgress });
    await noting;
    await keep(recordEnd(db, id, 'done', { report: stringify(report) }));
    return report;
  } catch (thrown) {
    await noting;
    const error = toAppError(thrown);
    const { kind, code, detail } = error;
    // Who was only told to stop is handed back, whichever try it was.
    const again = mayPass(error) && (kind === 'aborted' || run.isLastTry !== true);
    const quotes = quotesCause(error) ? { quotes: true } : {};
    await keep(recordEnd(db, id, again ? 'waiting' : 'failed', { error: { kind, code, detail, ...quotes } }));
    throw thrown;
  }
}
