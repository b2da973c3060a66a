import { sql } from 'kysely';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { type Obstacle, type Outlook, requireClear } from './outlook.ts';
import { reasonObstacle } from './reason.ts';
import { type QuarterRow, readQuarter, recordEvent } from './registry.ts';

export interface HoldReport {
  readonly quarter: string;
  /** Why it is held; null when it is not. */
  readonly holdReason: string | null;
  /** False when it was so already. */
  readonly changed: boolean;
}

/**
 * Keeps a quarter where it is until somebody says otherwise, as an audit or a court may want it: nothing takes its rows out of the
 * tables or deletes them. It may be closed and archived meanwhile. Another reason takes the place of the first; the
 * story keeps both.
 *
 * It waits for no verb: what is under way when the hold comes, a detach for one, is carried to its end, and nothing begins after it.
 *
 * @throws AppError invalid/reason_missing, invalid/invalid_reason, not_found/no_such_quarter, conflict/quarter_state
 */
export async function holdQuarter(
  house: QuarterHouse,
  run: QuarterRun,
  quarter: string,
): Promise<HoldReport> {
  const reason = run.reason?.trim() ?? '';
  return house.database.direct.transaction().execute(async (trx) => {
    const outlook = outlookOf(await readQuarter(trx, quarter), run);
    requireClear(outlook);
    const held = await trx
      .updateTable('quartermaster.quarters')
      .set({ hold_reason: reason, updated_at: sql<Date>`now()` })
      .where('quarter', '=', quarter)
      .where('state', '<>', 'dropped')
      .where('hold_reason', 'is distinct from', reason)
      .executeTakeFirst();
    if (held.numUpdatedRows === 0n) {
      // Somebody was here since it was looked at: a hold for the same reason is as good, a drop is not.
      requireClear(outlookOf(await readQuarter(trx, quarter), run));
      return { quarter, holdReason: reason, changed: false };
    }
    await recordEvent(trx, quarter, 'hold', { ...run, reason });
    return { quarter, holdReason: reason, changed: true };
  });
}

/** What a hold finds and would do. */
export async function previewHold(house: QuarterHouse, run: QuarterRun, quarter: string): Promise<Outlook> {
  return outlookOf(await readQuarter(house.database.direct, quarter), run);
}

function outlookOf({ quarter, state, hold_reason }: QuarterRow, run: QuarterRun): Outlook {
  const obstacles: Obstacle[] = reasonObstacle(run, 'hold', quarter);
  if (state === 'dropped') {
    const detail = `${quarter} is dropped: its archive is all there is of it, and that is never deleted.`;
    obstacles.push({ code: 'quarter_state', kind: 'conflict', detail });
  }
  const reason = run.reason?.trim();
  const done = obstacles.length === 0 && hold_reason === reason;
  const instead = hold_reason === null ? '' : `; until now it is held for: ${hold_reason}`;
  return { done, obstacles, steps: done ? [] : [`hold ${quarter} for: ${reason ?? ''}${instead}`] };
}
