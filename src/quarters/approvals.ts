import type { Db, Trx } from '../db/schema.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { type Obstacle, refusalOf } from './outlook.ts';
import { type QuarterRow, recordEvent } from './registry.ts';

/** The verbs that need two people where `QM_ARCHIVE_APPROVAL=required`. */
export type ApprovedVerb = 'archive' | 'drop';

/** Who asked for a verb, and who of the others has approved it. */
export interface Approval {
  readonly verb: ApprovedVerb;
  readonly requested_by: string;
  readonly requested_at: Date;
  readonly reason: string | null;
  readonly approved_by: string | null;
  readonly approved_at: Date | null;
}

/** True when two names are one person's: somebody who writes theirs in another case is still the same. */
export function isSamePerson(a: string, b: string): boolean {
  return plain(a) === plain(b);
}

function plain(name: string): string {
  return name.normalize('NFKC').trim().replace(/\s+/gu, ' ').toLowerCase();
}

/** What was asked for this quarter as it is now; what was asked before it was closed anew does not count. */
export async function readApprovals(
  db: Db,
  { quarter, digest }: Pick<QuarterRow, 'quarter' | 'digest'>,
): Promise<Approval[]> {
  if (digest === null) return [];
  return db
    .selectFrom('quartermaster.approvals')
    .select(['verb', 'requested_by', 'requested_at', 'reason', 'approved_by', 'approved_at'])
    .where('quarter', '=', quarter)
    .where('digest', '=', digest)
    .orderBy('verb')
    .execute();
}

/** What two people have agreed on, of all quarters as they are now, by their names. */
export async function readApproved(db: Db): Promise<ReadonlyMap<string, readonly ApprovedVerb[]>> {
  const rows = await db
    .selectFrom('quartermaster.approvals as a')
    .innerJoin('quartermaster.quarters as q', (join) =>
      join.onRef('q.quarter', '=', 'a.quarter').onRef('q.digest', '=', 'a.digest'),
    )
    .select(['a.quarter', 'a.verb'])
    .where('a.approved_by', 'is not', null)
    .orderBy('a.verb')
    .execute();
  const byQuarter = Map.groupBy(rows, ({ quarter }) => quarter);
  return new Map([...byQuarter].map(([quarter, some]) => [quarter, some.map(({ verb }) => verb)]));
}

/** What stands in the way of a verb that two people have to want. */
export async function approvalObstacle(
  house: Pick<QuarterHouse, 'archiveApproval'>,
  db: Db,
  row: QuarterRow,
  verb: ApprovedVerb,
): Promise<Obstacle[]> {
  if (house.archiveApproval === 'auto') return [];
  const found = (await readApprovals(db, row)).find((one) => one.verb === verb);
  if (found !== undefined && found.approved_by !== null) return [];
  const asked =
    found === undefined ? 'Whoever asks for it first' : `${found.requested_by} has asked for it and`;
  const detail = `To ${verb} ${row.quarter} takes two people. ${asked} cannot approve it: somebody else runs \`quartermaster quarters approve ${row.quarter}\`.`;
  return [{ code: 'approval_required', kind: 'conflict', detail }];
}

/**
 * Keeps that the run's actor wants it, so that others can approve; the first who asks stays the one who did. Committed at
 * once: the request outlives the refusal that follows it.
 */
export async function requestApproval(
  house: QuarterHouse,
  run: QuarterRun,
  { quarter, digest }: Pick<QuarterRow, 'quarter' | 'digest'>,
  verb: ApprovedVerb,
): Promise<void> {
  if (digest === null) return;
  await house.database.direct.transaction().execute(async (trx) => {
    const asked = await trx
      .insertInto('quartermaster.approvals')
      .values({
        quarter,
        verb,
        digest,
        requested_by: run.actor,
        requested_at: house.clock.now(),
        reason: run.reason ?? null,
      })
      .onConflict((conflict) =>
        conflict
          .columns(['quarter', 'verb'])
          .doUpdateSet((row) => ({
            digest: row.ref('excluded.digest'),
            requested_by: row.ref('excluded.requested_by'),
            requested_at: row.ref('excluded.requested_at'),
            reason: row.ref('excluded.reason'),
            approved_by: null,
            approved_at: null,
          }))
          .where('quartermaster.approvals.digest', '<>', digest),
      )
      .executeTakeFirst();
    if (asked.numInsertedOrUpdatedRows === 1n) await recordEvent(trx, quarter, `${verb}_requested`, run);
  });
}

/**
 * Sees that two people want the verb, and keeps the request where one is still missing.
 *
 * @returns who they were; undefined where one is enough
 * @throws AppError conflict/approval_required
 */
export async function requireApproval(
  house: QuarterHouse,
  db: Db,
  run: QuarterRun,
  row: QuarterRow,
  verb: ApprovedVerb,
): Promise<Approval | undefined> {
  if (house.archiveApproval === 'auto') return undefined;
  await requestApproval(house, run, row, verb);
  const obstacles = await approvalObstacle(house, db, row, verb);
  if (obstacles.length > 0) throw refusalOf(obstacles);
  return (await readApprovals(db, row)).find((one) => one.verb === verb);
}

/** Nothing that was asked or approved counts any more: of one verb, or of all. */
export async function clearApprovals(trx: Trx, quarter: string, verb?: ApprovedVerb): Promise<void> {
  await trx
    .deleteFrom('quartermaster.approvals')
    .where('quarter', '=', quarter)
    .$if(verb !== undefined, (some) => some.where('verb', '=', verb ?? 'drop'))
    .execute();
}
