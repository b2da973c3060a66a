import type { Database } from '../db/database.ts';
import type { Db } from '../db/schema.ts';
import { toAppError } from '../db/sqlstate.ts';
import { throwIfAborted } from '../platform/retry.ts';
import { type BloatLimit, type BloatReading, readBloat } from './index-bloat.ts';
import { type DeclaredIndex, readDeclared } from './index-declared.ts';
import { type IndexFacts, readCounted, readIndexFacts } from './index-facts.ts';
import type { Finding } from './index-finding.ts';
import { findFindings, type Thresholds, thresholds } from './index-findings.ts';

export interface AuditReport {
  readonly findings: readonly Finding[];
  /** Indexes that were looked at, those of partitions each by itself, and what they take on the disk. */
  readonly indexes: number;
  readonly bytes: bigint;
  /** What the statements would free. */
  readonly freed: bigint;
  /** Scans are counted since then. */
  readonly countedSince: Date | undefined;
  readonly countedDays: number | undefined;
  /** Indexes without a scan, of which it is too early to say that they are unused. */
  readonly tooEarly: readonly string[];
  readonly bloatBy: BloatReading['by'];
  /** Indexes whose bloat is not known, for their tables were never analyzed. */
  readonly bloatUnknown: readonly string[];
}

export interface AuditOptions {
  readonly limits?: Thresholds;
  /** A test has indexes of its own to miss. */
  readonly declared?: readonly DeclaredIndex[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Looks at every index of our schemas and changes nothing.
 *
 * @throws AppError aborted/aborted
 */
export async function auditIndexes(
  { direct }: Pick<Database, 'direct'>,
  { limits = thresholds, declared, signal }: AuditOptions = {},
): Promise<AuditReport> {
  return direct.connection().execute(async (session) => {
    const limit = signal && { pool: direct, signal };
    const { report } = await readAudit(session, limits, declared, limit);
    throwIfAborted(signal);
    return report;
  });
}

/** The report, and what it was made of. Bloat is read as long as `limit` lasts. */
export async function readAudit(
  db: Db,
  limits: Thresholds,
  declared?: readonly DeclaredIndex[],
  limit?: BloatLimit,
): Promise<{ report: AuditReport; facts: readonly IndexFacts[] }> {
  const facts = await readIndexFacts(db).catch((error: unknown) => {
    throw toAppError(error);
  });
  const counted = await readCounted(db);
  const { by, bloats, unknown } = await readBloat(db, facts, limits.bloatBytes, limit);
  const material = { facts, counted, bloats, declared: declared ?? (await readDeclared(db)) };
  const { findings, countedDays, tooEarly } = findFindings(material, limits);
  const report = {
    findings,
    indexes: facts.filter(({ on }) => on !== 'partitioned').length,
    bytes: facts.reduce((sum, { bytes }) => sum + bytes, 0n),
    freed: findings.reduce((sum, { bytes }) => sum + bytes, 0n),
    countedSince: counted.since,
    countedDays,
    tooEarly,
    bloatBy: by,
    bloatUnknown: unknown,
  };
  return { report, facts };
}
