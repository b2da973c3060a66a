import { type Static, Type } from 'typebox';
import { quarterStates } from '../core/lifecycle.ts';
import type { QuarterListing } from '../quarters/list.ts';
import type { QuarterDetail } from '../quarters/show.ts';
import type { QuarterNext } from './house.ts';
import { Instant } from './transaction-answer.ts';

export const QuarterName = Type.String({
  pattern: '^\\d{4}q[1-4]$',
  description: 'a quarter, as 2026q1',
  examples: ['2026q1'],
});

const Count = (description: string) => Type.Integer({ minimum: 0, description });
export const MaybeText = (description: string) => Type.Union([Type.String(), Type.Null()], { description });
export const MaybeInstant = (description: string) =>
  Type.Union([Type.String({ format: 'date-time' }), Type.Null()], { description });
const ApprovedVerb = Type.Enum(['archive', 'drop']);

const listed = {
  quarter: QuarterName,
  state: Type.Enum([...quarterStates], { description: 'where it is in its life' }),
  starts_at: Instant('its first instant'),
  ends_at: Instant('the first instant after it'),
  attached: Type.Boolean({ description: 'its rows are part of what lists and statements read' }),
  transactions: Count('how many it holds'),
  entries: Count('how many it holds'),
  exact: Type.Boolean({ description: 'false while the counts are an estimate' }),
  online_bytes: Count('in the database, indexes included'),
  archived_bytes: Count('in the store'),
  archived_rows: Count('in the store'),
  digest: MaybeText('of its content, fixed when it was closed'),
  hold_reason: MaybeText('why nothing may take it out; null when it is not held'),
  stale_reason: MaybeText('why it has to be closed again'),
  restored_until: MaybeInstant('until when it is restored'),
  awaiting_approval: Type.Array(ApprovedVerb, {
    description: 'what somebody has asked for and somebody else has to approve',
  }),
  verified_at: MaybeInstant('when its archive was last read and found right'),
  frozen_at: MaybeInstant('when its tables were frozen, so that no vacuum has to read them again'),
  manifest_sha256: MaybeText("of its archive's manifest; null without an archive"),
  previous_manifest_sha256: MaybeText(
    'of the archive before it, as its own manifest names it; null for the first',
  ),
  next: Type.Union(
    [
      Type.Object({
        verb: Type.String(),
        at: Instant('from when on'),
        withheld: MaybeText('what keeps it from being done by itself'),
      }),
      Type.Null(),
    ],
    { description: 'what is done next by itself' },
  ),
};

export const QuarterAnswer = Type.Object(listed);

export const QuarterDetailAnswer = Type.Object({
  ...listed,
  closed_at: MaybeInstant('when it was closed'),
  reopened_at: MaybeInstant('when it was last reopened'),
  archived_at: MaybeInstant('when it was archived'),
  detached_at: MaybeInstant('when it was taken out'),
  dropped_at: MaybeInstant('when its tables were dropped'),
  restored_at: MaybeInstant('when it was last restored'),
  checks: Type.Union(
    [
      Type.Array(
        Type.Object({
          name: Type.String({ description: 'as sums' }),
          ok: Type.Boolean(),
          detail: Type.String({ description: 'what was found, in a sentence' }),
        }),
      ),
      Type.Null(),
    ],
    { description: 'what the last close that was tried has checked; null when none was' },
  ),
  checked_at: MaybeInstant('when it was; checks that are not ok have refused it'),
  approvals: Type.Array(
    Type.Object({
      verb: ApprovedVerb,
      requested_by: Type.String(),
      requested_at: Instant('when it was asked for'),
      reason: MaybeText('why it was asked for'),
      approved_by: MaybeText('null while it waits'),
      approved_at: MaybeInstant('null while it waits'),
    }),
    { description: 'who asked for its archive or its drop, and who approved' },
  ),
  copies: Type.Array(
    Type.Object({
      schema: Type.String(),
      reason: Type.String(),
      restored_by: Type.String(),
      restored_at: Instant('when it was made'),
      expires_at: Instant('when it is dropped'),
    }),
    { description: 'copies of it in schemas of their own' },
  ),
  archive: Type.Union(
    [
      Type.Object({
        location: Type.String({ description: 'where its folder is' }),
        written_at: MaybeInstant('when its manifest was written'),
        manifest_sha256: MaybeText('of the manifest'),
        previous_manifest_sha256: MaybeText('of the archive before it; null for the first'),
        files: Type.Array(
          Type.Object({
            path: Type.String({ description: 'in the folder' }),
            table: Type.String(),
            rows: Count('how many it holds'),
            bytes: Count('its size'),
            sha256: Type.String(),
          }),
        ),
      }),
      Type.Null(),
    ],
    { description: 'null when there is none' },
  ),
  events: Type.Array(
    Type.Object({
      at: Instant('when'),
      event: Type.String({ description: 'what' }),
      actor: Type.String({ description: 'who' }),
      reason: MaybeText('why'),
      detail: Type.Unsafe<Record<string, unknown>>({ type: 'object' }),
    }),
    { description: 'its story, the oldest first: the last thousand events' },
  ),
});

export function toQuarter(
  quarter: QuarterListing,
  next: QuarterNext | undefined,
): Static<typeof QuarterAnswer> {
  return {
    quarter: quarter.name,
    state: quarter.state,
    starts_at: quarter.start.toISOString(),
    ends_at: quarter.end.toISOString(),
    attached: quarter.attached,
    transactions: Number(quarter.transactions),
    entries: Number(quarter.entries),
    exact: quarter.exact,
    online_bytes: Number(quarter.onlineBytes),
    archived_bytes: Number(quarter.archivedBytes),
    archived_rows: Number(quarter.archivedRows),
    digest: quarter.digest,
    hold_reason: quarter.holdReason,
    stale_reason: quarter.staleReason,
    restored_until: textOf(quarter.restoredUntil),
    awaiting_approval: [...quarter.awaiting],
    verified_at: textOf(quarter.verifiedAt),
    frozen_at: textOf(quarter.frozenAt),
    manifest_sha256: quarter.manifestSha256,
    previous_manifest_sha256: quarter.previousManifestSha256,
    next: next ? { verb: next.verb, at: next.at.toISOString(), withheld: next.withheld ?? null } : null,
  };
}

export function toQuarterDetail(
  quarter: QuarterDetail,
  next: QuarterNext | undefined,
): Static<typeof QuarterDetailAnswer> {
  const { location, checks, writtenAt } = quarter;
  const files = quarter.files.map((file) => ({
    ...file,
    rows: Number(file.rows),
    bytes: Number(file.bytes),
  }));
  return {
    ...toQuarter(quarter, next),
    closed_at: textOf(quarter.closedAt),
    reopened_at: textOf(quarter.reopenedAt),
    archived_at: textOf(quarter.archivedAt),
    detached_at: textOf(quarter.detachedAt),
    dropped_at: textOf(quarter.droppedAt),
    restored_at: textOf(quarter.restoredAt),
    checks: checks && [...checks.items],
    checked_at: textOf(checks?.at ?? null),
    approvals: quarter.approvals.map((approval) => ({
      verb: approval.verb,
      requested_by: approval.requestedBy,
      requested_at: approval.requestedAt.toISOString(),
      reason: approval.reason,
      approved_by: approval.approvedBy,
      approved_at: textOf(approval.approvedAt),
    })),
    copies: quarter.copies.map((copy) => ({
      schema: copy.schema,
      reason: copy.reason,
      restored_by: copy.restoredBy,
      restored_at: copy.restoredAt.toISOString(),
      expires_at: copy.expiresAt.toISOString(),
    })),
    archive:
      location === undefined
        ? null
        : {
            location,
            written_at: textOf(writtenAt),
            manifest_sha256: quarter.manifestSha256,
            previous_manifest_sha256: quarter.previousManifestSha256,
            files,
          },
    events: quarter.events.map((event) => ({ ...event, at: event.at.toISOString() })),
  };
}

export function textOf(instant: Date | null): string | null {
  return instant?.toISOString() ?? null;
}
