import { sql } from 'kysely';
import { assert } from '../core/errors.ts';
import type { QuarterState } from '../core/lifecycle.ts';
import { type PartitionFacts, readCatalog, readSizes } from '../db/catalog.ts';
import { identifier } from '../db/identifier.ts';
import type { Db } from '../db/schema.ts';
import type { QuarterHouse } from './context.ts';
import { tableNames } from './provision.ts';
import { type QuarterRow, readQuarter, readQuarters } from './registry.ts';

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
  readonly verifiedAt: Date | null;
}

export interface QuarterDetail extends QuarterListing {
  readonly closedAt: Date | null;
  readonly archivedAt: Date | null;
  readonly detachedAt: Date | null;
  /** Where the archive is, undefined when there is none. */
  readonly location: string | undefined;
  readonly events: readonly QuarterEvent[];
  readonly files: readonly ArchivedFile[];
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

/** An open quarter is counted row by row up to so many rows; beyond that the estimate has to do. */
const COUNTED_ROWS = 2_000_000;

/** Every quarter that is known, oldest first. */
export async function listQuarters(house: QuarterHouse): Promise<QuarterListing[]> {
  const db = house.database.direct;
  return listingsOf(db, await readQuarters(db));
}

/** One quarter with its story and the files of its archive. @throws AppError not_found/no_such_quarter */
export async function showQuarter(house: QuarterHouse, quarter: string): Promise<QuarterDetail> {
  const db = house.database.direct;
  const row = await readQuarter(db, quarter);
  const [listing] = await listingsOf(db, [row]);
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
    .orderBy('id')
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
    archivedAt: row.archived_at,
    detachedAt: row.detached_at,
    location: archive?.location,
    events,
    files,
  };
}

async function listingsOf(db: Db, rows: readonly QuarterRow[]): Promise<QuarterListing[]> {
  const names = new Set(rows.map(({ quarter }) => quarter));
  const found = (await readCatalog(db)).filter(({ quarter }) => names.has(quarter ?? ''));
  const sizes = await readSizes(db, found);
  const archives = new Map(
    (await db.selectFrom('quartermaster.archives').select(['quarter', 'rows', 'bytes']).execute()).map(
      (archive) => [archive.quarter, archive],
    ),
  );
  const open = new Set(
    rows.filter(({ transactions }) => transactions === null).map(({ quarter }) => quarter),
  );
  const counts = await countRows(
    db,
    found.filter(({ quarter, attachment }) => open.has(quarter ?? '') && attachment === 'attached'),
  );
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
      verifiedAt: row.verified_at,
    };
  });
}

/** Rows by the partition's name: counted where that is quick, else as the planner believes. */
async function countRows(
  db: Db,
  partitions: readonly PartitionFacts[],
): Promise<Map<string, { rows: bigint; exact: boolean }>> {
  const counts = new Map<string, { rows: bigint; exact: boolean }>();
  for (const { schema, name, estimatedRows = 0 } of partitions) {
    if (estimatedRows > COUNTED_ROWS) {
      counts.set(name, { rows: BigInt(Math.round(estimatedRows)), exact: false });
      continue;
    }
    const from = sql.raw(identifier(schema, name));
    const { rows } = await sql<{ rows: bigint }>`SELECT count(*) AS rows FROM ${from}`.execute(db);
    counts.set(name, { rows: rows[0]?.rows ?? 0n, exact: true });
  }
  return counts;
}
