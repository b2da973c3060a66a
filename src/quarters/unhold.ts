import { sql } from 'kysely';
import type { QuarterHouse, QuarterRun } from './context.ts';
import type { HoldReport } from './hold.ts';
import type { Outlook } from './outlook.ts';
import { type QuarterRow, readQuarter, recordEvent } from './registry.ts';

/**
 * Lets a held quarter go on with its life. The story keeps what it was held for.
 *
 * @throws AppError not_found/no_such_quarter
 */
export async function unholdQuarter(
  house: QuarterHouse,
  run: QuarterRun,
  quarter: string,
): Promise<HoldReport> {
  return house.database.direct
    .transaction()
    .setIsolationLevel('read committed')
    .execute(async (trx) => {
      // Of two at once the second waits here and then finds nothing to do.
      await trx
        .selectFrom('quartermaster.quarters')
        .select('quarter')
        .where('quarter', '=', quarter)
        .forUpdate()
        .execute();
      const row = await readQuarter(trx, quarter);
      if (outlookOf(row).done) return { quarter, holdReason: null, changed: false };
      await trx
        .updateTable('quartermaster.quarters')
        .set({ hold_reason: null, updated_at: sql<Date>`now()` })
        .where('quarter', '=', quarter)
        .execute();
      await recordEvent(trx, quarter, 'unhold', run, { was: row.hold_reason });
      return { quarter, holdReason: null, changed: true };
    });
}

/** What an unhold finds and would do. */
export async function previewUnhold(
  house: QuarterHouse,
  _run: QuarterRun,
  quarter: string,
): Promise<Outlook> {
  return outlookOf(await readQuarter(house.database.direct, quarter));
}

function outlookOf({ quarter, hold_reason }: QuarterRow): Outlook {
  const steps = hold_reason === null ? [] : [`end the hold of ${quarter}, which is held for: ${hold_reason}`];
  return { done: hold_reason === null, obstacles: [], steps };
}
