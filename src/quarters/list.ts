import { sql } from 'kysely';
import { type QuarterState, transitionOf } from '../core/lifecycle.ts';
import { type PartitionFacts, readCatalog, readSizes } from '../db/catalog.ts';
import { identifier } from '../db/identifier.ts';
import type { Db } from '../db/schema.ts';
import { inSnapshot, tryWithin } from '../db/snapshot.ts';
import type { ApprovedVerb } from './approvals.ts';
import type { QuarterHouse } from './context.ts';
import { tableNames } from './provision.ts';
import { type QuarterRow, readQuarters } from './registry.ts';

/** A quarter as people see it. Bytes are on disk, indexes included; archived ones are those of the store. */
export interface QuarterListing {
  readonly name: string;
  readonly state: QuarterState;
  readonly start: Date;
  readonly end: Date;
  /** All its partitions are part of the ledger's tables. */
  readonly attached: boolean;
  readonly transactions: bigint;
  readonly entries: bigint;
  /** False while the counts are the planner's estimate, as those of a large open quarter are. */
  readonly exact: boolean;
  readonly onlineBytes: bigint;
  readonly archivedBytes: bigint;
  readonly archivedRows: bigint;
  readonly digest: string | null;
  readonly holdReason: string | null;
  /** Why it has to be closed again before anything else. */
  readonly staleReason: string | null;
  /** Until when it is restored; null when it is not. */
  readonly restoredUntil: Date | null;
  /** What somebody has asked for and somebody else has to approve. */
  readonly awaiting: readonly ApprovedVerb[];
  /** When its archive was last read and found right; null after it was found damaged. */
  readonly verifiedAt: Date | null;
  /** When its tables were frozen, so that no vacuum has to read them again. */
  readonly frozenAt: Date | null;
  /** Of the manifest of its archive, and of the one before it in the chain. */
  readonly manifestSha256: string | null;
  readonly previousManifestSha256: string | null;
}

export interface ListOptions {
  /** A partition of an open quarter is counted row by row up to so many rows; beyond that the estimate has to do. */
  readonly countedRows?: number;
  /** And all of them together up to about so many: the oldest have to do with their estimates. */
  readonly countedInAll?: number;
  /**
   * Milliseconds that a statement may take. Rows that are not counted within half of it, or of a table that somebody has
   * locked, are told by the estimate.
   */
  readonly limitMs?: number;
}

const COUNTED_ROWS = 2_000_000;
/** What a row takes with its indexes, where the planner knows nothing yet. */
const ROW_BYTES = 200;

/** Every quarter that is known, oldest first, as they were at one moment. @throws AppError busy/read_too_slow */
export async function listQuarters(
  { database }: Pick<QuarterHouse, 'database'>,
  options: ListOptions = {},
): Promise<QuarterListing[]> {
  return inSnapshot(
    database.direct,
    async (trx) => listingsOf(trx, await readQuarters(trx), options),
    options.limitMs,
  );
}

/** The rows as people see them, in their order; in a transaction of the caller's. */
export async function listingsOf(
  db: Db,
  rows: readonly QuarterRow[],
  options: ListOptions,
): Promise<QuarterListing[]> {
  const names = new Set(rows.map(({ quarter }) => quarter));
  const found = (await readCatalog(db)).filter(({ quarter }) => names.has(quarter ?? ''));
  const sizes = await readSizes(db, found);
  const archives = new Map((await readArchiveRows(db)).map((archive) => [archive.quarter, archive]));
  const open = new Set(
    rows.filter(({ transactions }) => transactions === null).map(({ quarter }) => quarter),
  );
  const counts = await countRows(
    db,
    found
      .filter(({ quarter, attachment }) => open.has(quarter ?? '') && attachment === 'attached')
      .map((one) => ({ ...one, bytes: sizes.get(`${one.schema}.${one.name}`) ?? 0n })),
    options,
  );
  const asked = await db
    .selectFrom('quartermaster.approvals')
    .select(['quarter', 'verb', 'digest'])
    .where('approved_by', 'is', null)
    .orderBy('verb')
    .execute();
  return rows.map((row) => {
    const mine = found.filter(({ quarter }) => quarter === row.quarter);
    const countOf = (table: string) => counts.get(`${table}_${row.quarter}`) ?? { rows: 0n, exact: true };
    const [transactions, entries] = [countOf('transactions'), countOf('entries')];
    const archive = archives.get(row.quarter);
    return {
      name: row.quarter,
      state: row.state,
      start: row.starts_at,
      end: row.ends_at,
      attached: tableNames.every((table) =>
        mine.some((one) => one.table === table && one.attachment === 'attached'),
      ),
      transactions: row.transactions ?? transactions.rows,
      entries: row.entries ?? entries.rows,
      exact: row.transactions !== null || (transactions.exact && entries.exact),
      onlineBytes: mine.reduce((sum, one) => sum + (sizes.get(`${one.schema}.${one.name}`) ?? 0n), 0n),
      archivedBytes: archive?.bytes ?? 0n,
      archivedRows: archive?.rows ?? 0n,
      digest: row.digest,
      holdReason: row.hold_reason,
      staleReason: row.stale_reason,
      restoredUntil: row.state === 'restored' ? row.restored_until : null,
      awaiting: asked
        .filter(({ quarter, digest }) => quarter === row.quarter && digest === row.digest)
        .map(({ verb }) => verb)
        .filter((verb) => transitionOf(verb).from.includes(row.state)),
      verifiedAt: row.verified_at,
      frozenAt: row.frozen_at,
      manifestSha256: archive?.manifest_sha256 ?? null,
      previousManifestSha256: archive?.previous_manifest_sha256 ?? null,
    };
  });
}

function readArchiveRows(db: Db) {
  return db
    .selectFrom('quartermaster.archives')
    .select(['quarter', 'rows', 'bytes', 'manifest_sha256', 'previous_manifest_sha256'])
    .execute();
}

interface Countable extends Pick<PartitionFacts, 'schema' | 'name' | 'estimatedRows'> {
  readonly bytes: bigint;
}

/**
 * Rows by the partition's name: counted where that is quick, else as the planner believes. One statement counts them all, and none of
 * them beyond the limit, for what the planner believes may be of long ago.
 */
async function countRows(
  db: Db,
  partitions: readonly Countable[],
  { countedRows = COUNTED_ROWS, countedInAll = Number.POSITIVE_INFINITY, limitMs }: ListOptions,
): Promise<Map<string, { rows: bigint; exact: boolean }>> {
  const counts = new Map<string, { rows: bigint; exact: boolean }>();
  const counted: Countable[] = [];
  let left = countedInAll;
  for (const one of partitions.toReversed()) {
    const estimate = estimateOf(one);
    counts.set(one.name, { rows: BigInt(estimate), exact: false });
    if (estimate > Math.min(countedRows, left)) continue;
    left -= estimate;
    counted.push(one);
  }
  if (counted.length === 0) return counts;
  const selects = counted.map(({ schema, name }) => {
    const from = sql.raw(identifier(schema, name));
    return sql`SELECT ${name} AS name, count(*) AS rows FROM (SELECT FROM ${from} LIMIT ${countedRows + 1}) AS counted`;
  });
  const statement = sql<{ name: string; rows: bigint }>`${sql.join(selects, sql` UNION ALL `)}`;
  const read = async (trx: Db) => (await statement.execute(trx)).rows;
  const rows = limitMs === undefined ? await read(db) : await tryWithin(db, read, limitMs / 2);
  if (rows === undefined) return counts;
  for (const one of rows) {
    if (one.rows <= countedRows) counts.set(one.name, { rows: one.rows, exact: true });
    else {
      const estimate = counts.get(one.name)?.rows ?? 0n;
      counts.set(one.name, { rows: estimate > one.rows ? estimate : one.rows, exact: false });
    }
  }
  return counts;
}

/** A partition that nobody has analyzed yet is judged by its size. */
function estimateOf({ estimatedRows, bytes }: Countable): number {
  return Math.round(estimatedRows ?? Number(bytes) / ROW_BYTES);
}
