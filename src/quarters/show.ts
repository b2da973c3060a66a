import { assert } from '../core/errors.ts';
import type { Db } from '../db/schema.ts';
import { inSnapshot } from '../db/snapshot.ts';
import { type ApprovedVerb, readApprovals } from './approvals.ts';
import type { CloseCheck } from './close-checks.ts';
import type { QuarterHouse } from './context.ts';
import { type ListOptions, listingsOf, type QuarterListing } from './list.ts';
import { readQuarter } from './registry.ts';

/** One quarter with all that is known of it. */
export interface QuarterDetail extends QuarterListing {
  readonly closedAt: Date | null;
  readonly reopenedAt: Date | null;
  readonly archivedAt: Date | null;
  readonly detachedAt: Date | null;
  readonly droppedAt: Date | null;
  /** When it was last restored, kept after its release. */
  readonly restoredAt: Date | null;
  /** What the last close that was tried has checked; null when none was. */
  readonly checks: CheckedAtClose | null;
  /** Who asked for an archive or a drop of it as it is now, and who approved. */
  readonly approvals: readonly QuarterApproval[];
  /** Copies of it in schemas of their own. */
  readonly copies: readonly QuarterCopy[];
  /** Where the archive is, undefined when there is none. */
  readonly location: string | undefined;
  /** When its manifest was written. */
  readonly writtenAt: Date | null;
  /** Its story, the oldest first: the last thousand events. */
  readonly events: readonly QuarterEvent[];
  readonly files: readonly ArchivedFile[];
}

/** What became of the checks of a close: one that failed has refused it. */
export interface CheckedAtClose {
  readonly at: Date;
  readonly items: readonly CloseCheck[];
}

export interface QuarterApproval {
  readonly verb: ApprovedVerb;
  readonly requestedBy: string;
  readonly requestedAt: Date;
  readonly reason: string | null;
  readonly approvedBy: string | null;
  readonly approvedAt: Date | null;
}

export interface QuarterCopy {
  readonly schema: string;
  readonly reason: string;
  readonly restoredBy: string;
  readonly restoredAt: Date;
  readonly expiresAt: Date;
}

export interface QuarterEvent {
  readonly at: Date;
  readonly event: string;
  readonly actor: string;
  readonly reason: string | null;
  readonly detail: Record<string, unknown>;
}

export interface ArchivedFile {
  readonly path: string;
  readonly table: string;
  readonly rows: bigint;
  readonly bytes: bigint;
  readonly sha256: string;
}

const MOST_EVENTS = 1000;

/**
 * One quarter with its story and the files of its archive, as all of it was at one moment.
 *
 * @throws AppError not_found/no_such_quarter, busy/read_too_slow
 */
export async function showQuarter(
  { database }: Pick<QuarterHouse, 'database'>,
  quarter: string,
  options: ListOptions = {},
): Promise<QuarterDetail> {
  return inSnapshot(database.direct, (trx) => detailOf(trx, quarter, options), options.limitMs);
}

async function detailOf(db: Db, quarter: string, options: ListOptions): Promise<QuarterDetail> {
  const row = await readQuarter(db, quarter);
  const [listing] = await listingsOf(db, [row], options);
  assert(listing, 'a row has a listing');
  const archive = await db
    .selectFrom('quartermaster.archives')
    .select(['location', 'written_at'])
    .where('quarter', '=', quarter)
    .executeTakeFirst();
  const events = await db
    .selectFrom('quartermaster.quarter_events')
    .select(['at', 'event', 'actor', 'reason', 'detail'])
    .where('quarter', '=', quarter)
    .orderBy('id', 'desc')
    .limit(MOST_EVENTS)
    .execute();
  const approvals = await readApprovals(db, row);
  const copies = await db
    .selectFrom('quartermaster.restores')
    .select([
      'schema_name as schema',
      'reason',
      'restored_by as restoredBy',
      'restored_at as restoredAt',
      'expires_at as expiresAt',
    ])
    .where('quarter', '=', quarter)
    .orderBy('schema_name')
    .execute();
  const files = await db
    .selectFrom('quartermaster.archive_files')
    .select(['path', 'table_name as table', 'rows', 'bytes', 'sha256'])
    .where('quarter', '=', quarter)
    .orderBy('path')
    .execute();
  return {
    ...listing,
    closedAt: row.closed_at,
    reopenedAt: row.reopened_at,
    archivedAt: row.archived_at,
    detachedAt: row.detached_at,
    droppedAt: row.dropped_at,
    restoredAt: row.restored_at,
    checks: await readChecks(db, quarter),
    approvals: approvals.map((one) => ({
      verb: one.verb,
      requestedBy: one.requested_by,
      requestedAt: one.requested_at,
      reason: one.reason,
      approvedBy: one.approved_by,
      approvedAt: one.approved_at,
    })),
    copies,
    location: archive?.location,
    writtenAt: archive?.written_at ?? null,
    events: events.reverse(),
    files,
  };
}

/**
 * Of the last close, or of the one that was refused after it. Closes of before the checks were kept have none, and a close anew of a
 * stale quarter counts like any other.
 */
async function readChecks(db: Db, quarter: string): Promise<CheckedAtClose | null> {
  const last = await db
    .selectFrom('quartermaster.quarter_events')
    .select(['at', 'detail'])
    .where('quarter', '=', quarter)
    .where('event', 'in', ['close', 'close_refused'])
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  const items = last?.detail.checks;
  return last !== undefined && Array.isArray(items) ? { at: last.at, items: items as CloseCheck[] } : null;
}
