import { sql } from 'kysely';
import { AppError } from '../core/errors.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { nothingToDo, type Outlook } from './outlook.ts';
import { readQuarter, recordEvent } from './registry.ts';

export interface HoldReport {
  readonly quarter: string;
  /** Why it is held; null when it is not. */
  readonly holdReason: string | null;
  /** False when it was so already. */
  readonly changed: boolean;
}

/** The longest reason, in characters. */
const MAX_REASON = 1000;

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
  if (reason === '') {
    const detail = `Say why ${quarter} is to be held: --reason "audit of 2024".`;
    throw new AppError('invalid', 'reason_missing', detail);
  }
  if (reason.length > MAX_REASON || /\p{Cc}/u.test(reason)) {
    const detail = `A reason has at most ${MAX_REASON} characters and no control characters.`;
    throw new AppError('invalid', 'invalid_reason', detail);
  }
  return house.database.direct.transaction().execute(async (trx) => {
    const held = await trx
      .updateTable('quartermaster.quarters')
      .set({ hold_reason: reason, updated_at: sql<Date>`now()` })
      .where('quarter', '=', quarter)
      .where('state', '<>', 'dropped')
      .where('hold_reason', 'is distinct from', reason)
      .executeTakeFirst();
    if (held.numUpdatedRows === 0n) {
      const { state } = await readQuarter(trx, quarter);
      if (state !== 'dropped') return { quarter, holdReason: reason, changed: false };
      const detail = `${quarter} is dropped: its archive is all there is of it, and that is never deleted.`;
      throw new AppError('conflict', 'quarter_state', detail);
    }
    await recordEvent(trx, quarter, 'hold', { ...run, reason });
    return { quarter, holdReason: reason, changed: true };
  });
}

export async function previewHold(
  _house: QuarterHouse,
  _run: QuarterRun,
  _quarter: string,
): Promise<Outlook> {
  return nothingToDo;
}
