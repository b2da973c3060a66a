import type { WipData } from 'pg-boss';
import { stopwatch } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';

/** Seconds without a look for work after which a worker is stalled; it looks every two. */
const STALLED = 30;

/**
 * Says at each call whether the loops that look for work still turn. It compares what they say of themselves with the time
 * that passed here, for theirs is by the machine's clock. One that is busy with a job looks for none, and is well.
 *
 * @throws AppError unavailable/worker_stalled
 */
export function createLoopWatch(read: () => readonly WipData[], begin = stopwatch): () => void {
  let latest: number | undefined;
  let since = begin();
  return () => {
    const idle = read().filter(({ count }) => count === 0);
    const looked = Math.max(0, ...idle.map(({ lastFetchedOn }) => lastFetchedOn ?? 0));
    if (idle.length === 0 || looked !== latest) since = begin();
    latest = looked;
    if (since() <= STALLED) return;
    const detail = `No look for work has succeeded for ${Math.round(since())} s. The log says why.`;
    throw new AppError('unavailable', 'worker_stalled', detail);
  };
}
