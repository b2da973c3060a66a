import { sql } from 'kysely';
import { AppError } from '../core/errors.ts';
import { type QuarterState, type QuarterVerb, transitionOf } from '../core/lifecycle.ts';
import type { Db, Schema, Trx } from '../db/schema.ts';
import type { QuarterRun } from './context.ts';
import { refusalOf, stateObstacle } from './outlook.ts';
import { staleObstacle } from './stale.ts';

/** The state row of a quarter. Counts and digest are null until it is closed. */
export interface QuarterRow {
  readonly quarter: string;
  readonly starts_at: Date;
  readonly ends_at: Date;
  readonly state: QuarterState;
  readonly transactions: bigint | null;
  readonly entries: bigint | null;
  readonly digest: string | null;
  readonly hold_reason: string | null;
  /** Why a closed quarter has to be closed again: an earlier one was reopened. */
  readonly stale_reason: string | null;
  readonly reopened_at: Date | null;
  readonly closed_at: Date | null;
  readonly archived_at: Date | null;
  readonly verified_at: Date | null;
  readonly detached_at: Date | null;
  readonly dropped_at: Date | null;
  /** When it was last restored, and until when it stays so. */
  readonly restored_at: Date | null;
  readonly restored_until: Date | null;
  /** When every page of its tables was found frozen; null since rows may have come. */
  readonly frozen_at: Date | null;
}

const columns = [
  'quarter',
  'starts_at',
  'ends_at',
  'state',
  'transactions',
  'entries',
  'digest',
  'hold_reason',
  'stale_reason',
  'reopened_at',
  'closed_at',
  'archived_at',
  'verified_at',
  'detached_at',
  'dropped_at',
  'restored_at',
  'restored_until',
  'frozen_at',
] as const satisfies readonly (keyof Schema['quartermaster.quarters'])[];

/** All quarters known, oldest first. */
export async function readQuarters(db: Db): Promise<QuarterRow[]> {
  return db.selectFrom('quartermaster.quarters').select(columns).orderBy('quarter').execute();
}

/** @throws AppError not_found/no_such_quarter */
export async function readQuarter(db: Db, quarter: string): Promise<QuarterRow> {
  const row = await db
    .selectFrom('quartermaster.quarters')
    .select(columns)
    .where('quarter', '=', quarter)
    .executeTakeFirst();
  if (row === undefined) {
    const detail = `There is no quarter ${quarter}. \`quartermaster quarters list\` shows those there are.`;
    throw new AppError('not_found', 'no_such_quarter', detail);
  }
  return row;
}

/** @throws AppError conflict/quarter_state when the verb cannot start from the quarter's state */
export function requireState(row: QuarterRow, verb: QuarterVerb): void {
  const obstacles = stateObstacle(row.quarter, row.state, verb);
  if (obstacles.length > 0) throw refusalOf(obstacles);
}

/**
 * Moves the quarter to the verb's next state and writes the event, in the caller's transaction. The UPDATE names the
 * states it may start from, so of two that race one moves it and the other is refused, whatever they read before.
 *
 * An archive starts from a close that counts: a reopen of an earlier quarter marks this row, and may do so at any moment.
 *
 * @throws AppError conflict/quarter_state, conflict/quarter_stale
 */
export async function advance(
  trx: Trx,
  quarter: string,
  verb: QuarterVerb,
  run: QuarterRun,
  changes: Partial<Omit<QuarterRow, 'quarter' | 'state' | 'starts_at' | 'ends_at'>>,
  detail: Record<string, unknown> = {},
): Promise<void> {
  const { from, to } = transitionOf(verb);
  const moved = await trx
    .updateTable('quartermaster.quarters')
    .set({ ...changes, ...(to === undefined ? {} : { state: to }), updated_at: sql<Date>`now()` })
    .where('quarter', '=', quarter)
    .where('state', 'in', from)
    .$if(verb === 'archive', (update) => update.where('stale_reason', 'is', null))
    .executeTakeFirst();
  if (moved.numUpdatedRows !== 1n) {
    const row = await readQuarter(trx, quarter);
    requireState(row, verb);
    throw refusalOf(staleObstacle(row));
  }
  await recordEvent(trx, quarter, verb, run, detail);
}

/** The digests that the quarter had by earlier closes, which a reopen took back or another close replaced. */
export async function readFormerDigests(db: Db, quarter: string): Promise<string[]> {
  const { rows } = await sql<{ digest: string }>`
    SELECT DISTINCT detail #>> '{was,digest}' AS digest FROM quartermaster.quarter_events
    WHERE quarter = ${quarter} AND event IN ('reopen', 'close') AND detail #>> '{was,digest}' IS NOT NULL`.execute(
    db,
  );
  return rows.map(({ digest }) => digest);
}

/** Appends to the quarter's story: who did what, when and why. Never changed afterwards. */
export async function recordEvent(
  db: Db,
  quarter: string,
  event: string,
  run: QuarterRun,
  detail: Record<string, unknown> = {},
): Promise<void> {
  await db
    .insertInto('quartermaster.quarter_events')
    .values({
      quarter,
      event,
      actor: run.actor,
      reason: run.reason ?? null,
      detail: JSON.stringify(detail, (_key, value) => (typeof value === 'bigint' ? value.toString() : value)),
    })
    .execute();
}
