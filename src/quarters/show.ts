import { assert } from '../core/errors.ts';
import { type ApprovedVerb, readApprovals } from './approvals.ts';
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
  /** When its tables were frozen, so that no vacuum has to read them again. */
  readonly frozenAt: Date | null;
  /** Who asked for an archive or a drop of it as it is now, and who approved. */
  readonly approvals: readonly QuarterApproval[];
  /** Copies of it in schemas of their own. */
  readonly copies: readonly QuarterCopy[];
  /** Where the archive is, undefined when there is none. */
  readonly location: string | undefined;
  /** Its story, the oldest first: the last thousand events. */
  readonly events: readonly QuarterEvent[];
  readonly files: readonly ArchivedFile[];
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

/** One quarter with its story and the files of its archive. @throws AppError not_found/no_such_quarter */
export async function showQuarter(
  { database }: Pick<QuarterHouse, 'database'>,
  quarter: string,
  options: ListOptions = {},
): Promise<QuarterDetail> {
  const db = database.direct;
  const row = await readQuarter(db, quarter);
  const [listing] = await listingsOf(db, [row], options);
  assert(listing, 'a row has a listing');
  const archive = await db
    .selectFrom('quartermaster.archives')
    .select('location')
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
    frozenAt: row.frozen_at,
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
    events: events.reverse(),
    files,
  };
}
