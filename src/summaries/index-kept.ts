import type { Db } from '../db/schema.ts';
import type { AuditReport } from './index-audit.ts';
import type { Finding, FindingKind } from './index-finding.ts';
import { recordRefresh } from './refreshes.ts';

/** A finding as it is kept: JSON knows no bigint, and who reads it wants no list of statements. */
export interface KeptFinding extends Pick<Finding, 'index' | 'detail' | 'mend'> {
  readonly kind: FindingKind;
  readonly bytes: number;
}

/** What the last audit by schedule has found. */
export interface KeptAudit {
  readonly auditedAt: Date;
  readonly findings: readonly KeptFinding[];
}

/** The gravest come first, and a person reads no more. */
const MOST_KEPT = 200;

const NAME = 'index audit';

/** Keeps what an audit found until the next one, for the queue forgets its report within a day. */
export async function keepAudit(db: Db, { findings }: AuditReport, seconds: number): Promise<void> {
  const kept: KeptFinding[] = findings
    .slice(0, MOST_KEPT)
    .map(({ kind, index, detail, mend, bytes }) => ({ kind, index, detail, mend, bytes: Number(bytes) }));
  await recordRefresh(db, NAME, seconds, { findings: kept });
}

/** Undefined before the first audit by schedule. */
export async function readKeptAudit(db: Db): Promise<KeptAudit | undefined> {
  const row = await db
    .selectFrom('quartermaster.refreshes')
    .select(['refreshed_at', 'detail'])
    .where('name', '=', NAME)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return { auditedAt: row.refreshed_at, findings: (row.detail.findings ?? []) as KeptFinding[] };
}
