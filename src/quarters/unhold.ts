import { sql } from 'kysely';
import type { QuarterHouse, QuarterRun } from './context.ts';
import type { HoldReport } from './hold.ts';
import { nothingToDo, type Outlook } from './outlook.ts';
import { readQuarter, recordEvent } from './registry.ts';

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
  return house.database.direct.transaction().execute(async (trx) => {
    const held = await trx
      .selectFrom('quartermaster.quarters')
      .select('hold_reason')
      .where('quarter', '=', quarter)
      .where('hold_reason', 'is not', null)
      .forUpdate()
      .executeTakeFirst();
    if (held === undefined) {
      await readQuarter(trx, quarter);
      return { quarter, holdReason: null, changed: false };
    }
    await trx
      .updateTable('quartermaster.quarters')
      .set({ hold_reason: null, updated_at: sql<Date>`now()` })
      .where('quarter', '=', quarter)
      .execute();
    await recordEvent(trx, quarter, 'unhold', run, { was: held.hold_reason });
    return { quarter, holdReason: null, changed: true };
  });
}

export async function previewUnhold(
  _house: QuarterHouse,
  _run: QuarterRun,
  _quarter: string,
): Promise<Outlook> {
  return nothingToDo;
}
