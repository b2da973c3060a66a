import { isDone } from '../core/lifecycle.ts';
import { withQuarterLock } from '../db/locks.ts';
import type { Db } from '../db/schema.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { nothingToDo, type Obstacle, type Outlook, requireClear, stateObstacle } from './outlook.ts';
import { archiveObstacles, heldObstacle } from './proof.ts';
import { advance, type QuarterRow, readQuarter } from './registry.ts';
import { outstandingObstacles, takeOut, takeOutObstacles, takeOutSteps } from './take-out.ts';

export interface DetachReport {
  readonly quarter: string;
  /** Tables that this run took out; those that had left already are not among them. */
  readonly detached: readonly string[];
}

/**
 * Takes an archived quarter out of the tables. Its own tables stay, for the drop. Readers and writers are never kept
 * waiting: the wait for those who began earlier is ours, and `run.onBlocked` hears who they are. Stopped or killed in
 * between, the next run, or the reconcile, ends what was begun.
 *
 * @throws AppError refused/quarter_held, conflict/not_verified, corrupt/digest_differs, conflict/partition_missing
 * @throws AppError busy/quarter_busy, busy/detach_pending, busy/summaries_outstanding: try again later
 */
export async function detachQuarter(
  house: QuarterHouse,
  run: QuarterRun,
  quarter: string,
): Promise<DetachReport> {
  return withQuarterLock(house.database.direct, quarter, async (session) => {
    const outlook = await outlookOf(house, session, await readQuarter(session, quarter));
    if (outlook.done) return { quarter, detached: [] };
    requireClear(outlook);
    const detached = await takeOut(house, session, run, quarter, 'detach');
    await session.transaction().execute(async (trx) => {
      await advance(trx, quarter, 'detach', run, { detached_at: house.clock.now() }, { detached });
      await run.step?.('detach.recorded');
    });
    await run.step?.('detach.committed');
    return { quarter, detached };
  });
}

export async function previewDetach(
  house: QuarterHouse,
  _run: QuarterRun,
  quarter: string,
): Promise<Outlook> {
  const db = house.database.direct;
  return outlookOf(house, db, await readQuarter(db, quarter));
}

/** No row leaves before its archive was read back and found equal and its day is summed up, and none of a held quarter leaves at all. */
async function outlookOf(house: QuarterHouse, db: Db, row: QuarterRow): Promise<Outlook> {
  const { quarter, state } = row;
  if (isDone('detach', state)) return nothingToDo;
  const steps = [...(await takeOutSteps(db, quarter)), `${quarter} is detached then; its tables stay`];
  if (state !== 'archived') return { done: false, obstacles: wrongState(row), steps };
  const obstacles = [
    ...heldObstacle(row),
    ...(await archiveObstacles(db, row)),
    ...(await takeOutObstacles(db, quarter)),
    ...(await outstandingObstacles(house, db, row)),
  ];
  return { done: false, obstacles, steps };
}

function wrongState({ quarter, state }: QuarterRow): Obstacle[] {
  const advice = state === 'restored' ? ` Release it: \`quartermaster quarters release ${quarter}\`.` : '';
  return stateObstacle(quarter, state, 'detach').map((one) => ({ ...one, detail: `${one.detail}${advice}` }));
}
