import { isDone } from '../core/lifecycle.ts';
import { withQuarterLock } from '../db/locks.ts';
import type { Db } from '../db/schema.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { nothingToDo, type Outlook, requireClear, stateObstacle } from './outlook.ts';
import { heldObstacle } from './proof.ts';
import { advance, type QuarterRow, readQuarter } from './registry.ts';
import { isExtended, previewCopyRelease, releaseCopy } from './release-copy.ts';
import { outstandingObstacles, takeOut, takeOutObstacles, takeOutSteps } from './take-out.ts';

export interface ReleaseReport {
  readonly quarter: string;
  /** The schema of the copy that was released; undefined when it was the quarter itself. */
  readonly into: string | undefined;
  /** Tables that this run took out of the ledger's, or of a copy those that it dropped. */
  readonly released: readonly string[];
}

/**
 * Takes a restored quarter out again, as a detach does: its tables stay, and it is detached, whatever it was before it was
 * restored. With `run.into` it drops the copy of a quarter in a schema of its own instead.
 *
 * @param dueAt of a release by schedule: what is restored until a later time, as somebody said meanwhile, is left alone
 * @throws AppError refused/quarter_held, conflict/quarter_state, conflict/partition_missing
 * @throws AppError busy/quarter_busy, busy/detach_pending, busy/summaries_outstanding: try again later
 */
export async function releaseQuarter(
  house: QuarterHouse,
  run: QuarterRun,
  quarter: string,
  dueAt?: Date,
): Promise<ReleaseReport> {
  return withQuarterLock(house.database.direct, quarter, async (session) => {
    if (run.into !== undefined) return releaseCopy(run, session, quarter, run.into, dueAt);
    const row = await readQuarter(session, quarter);
    const outlook = isExtended(row.restored_until, dueAt)
      ? nothingToDo
      : await outlookOf(house, session, row);
    if (outlook.done) return { quarter, into: undefined, released: [] };
    requireClear(outlook);
    const released = await takeOut(house, session, run, quarter, 'release');
    await session.transaction().execute(async (trx) => {
      const changes = { detached_at: house.clock.now(), restored_until: null };
      await advance(trx, quarter, 'release', run, changes, { released });
      await run.step?.('release.recorded');
    });
    await run.step?.('release.committed');
    return { quarter, into: undefined, released };
  });
}

export async function previewRelease(
  house: QuarterHouse,
  run: QuarterRun,
  quarter: string,
): Promise<Outlook> {
  const db = house.database.direct;
  if (run.into !== undefined) return previewCopyRelease(db, quarter, run.into);
  return outlookOf(house, db, await readQuarter(db, quarter));
}

async function outlookOf(house: QuarterHouse, db: Db, row: QuarterRow): Promise<Outlook> {
  const { quarter, state } = row;
  if (isDone('release', state)) return nothingToDo;
  const isRestored = state === 'restored';
  return {
    done: false,
    obstacles: [
      ...stateObstacle(quarter, state, 'release'),
      ...heldObstacle(row),
      ...(isRestored ? await takeOutObstacles(db, quarter) : []),
      ...(isRestored ? await outstandingObstacles(house, db, row) : []),
    ],
    steps: [...(await takeOutSteps(db, quarter)), `${quarter} is detached then; its tables stay`],
  };
}
