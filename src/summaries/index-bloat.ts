import { sql } from 'kysely';
import { AppError, isAppError } from '../core/errors.ts';
import { identifier } from '../db/identifier.ts';
import { withLongStatements } from '../db/long-statement.ts';
import type { Db } from '../db/schema.ts';
import { sqlState, toAppError } from '../db/sqlstate.ts';
import type { IndexFacts } from './index-facts.ts';

/** How much of an index is empty space beyond what a fresh one would have. */
export interface Bloat {
  readonly index: IndexFacts;
  readonly wasted: bigint;
  /** Of its bytes, from 0 to 1. */
  readonly share: number;
}

export interface BloatReading {
  readonly by: 'pgstattuple' | 'estimate';
  readonly bloats: readonly Bloat[];
  /** Indexes of which nothing can be said, for their tables were never analyzed. */
  readonly unknown: readonly string[];
}

const PAGE = 8192;

/** A B-tree's page has a header of 24 bytes and 16 at its end; a row of it a pointer of 4 and a header of 8. */
const PAGE_OVERHEAD = 40;
const ROW_OVERHEAD = 12;

/** Bytes that a row of the index takes on average; undefined where a width is not known. */
export function rowBytes(columns: IndexFacts['columns']): number | undefined {
  let at = 0;
  for (const { width, align, nulls } of columns) {
    if (width === undefined) return undefined;
    at = Math.ceil(at / align) * align + width * (1 - nulls);
  }
  // Rows with a NULL have a bitmap, and begin at a multiple of eight like all others.
  const bitmap = columns.some(({ nulls }) => nulls > 0) ? 8 : 0;
  return ROW_OVERHEAD + bitmap + Math.ceil(at / 8) * 8;
}

/**
 * Pages that a fresh B-tree of so many rows would have. That equal keys are kept once is not reckoned with, so where keys repeat it
 * is too many, and too little is called bloated. Where rows are wide, or differ in width, it is too few by some percent.
 */
export function freshPages(rows: number, bytes: number, fillfactor: number): number {
  const room = (PAGE - PAGE_OVERHEAD) * (fillfactor / 100);
  const leaves = Math.ceil((rows * bytes) / room);
  let above = leaves;
  let pages = leaves;
  while (above > 1) {
    above = Math.ceil((above * bytes) / (PAGE - PAGE_OVERHEAD));
    pages += above;
  }
  // One more says where the root is.
  return pages + 1;
}

/**
 * By the planner's statistics; undefined where there are none. They tell how often a column is NULL in the table, which says nothing
 * of the rows that a condition lets into an index: of such a one no NULL is taken off, lest it be built anew for ever.
 */
export function estimateBloat(index: IndexFacts): Bloat | undefined {
  const isPartial = index.predicate !== undefined;
  const bytes = rowBytes(isPartial ? index.columns.map((one) => ({ ...one, nulls: 0 })) : index.columns);
  if (bytes === undefined || index.rows < 0) return undefined;
  const fresh = BigInt(freshPages(index.rows, bytes, index.fillfactor)) * BigInt(PAGE);
  const wasted = index.bytes > fresh ? index.bytes - fresh : 0n;
  return { index, wasted, share: shareOf(wasted, index.bytes) };
}

/** A row of pgstatindex(). Density is in percent, and NaN of an empty index. */
export interface Measured {
  readonly leaves: number;
  readonly empty: number;
  readonly deleted: number;
  readonly density: number;
}

export function measuredBloat(index: IndexFacts, { leaves, empty, deleted, density }: Measured): Bloat {
  const needed = Number.isFinite(density) ? Math.ceil((leaves * density) / index.fillfactor) : 0;
  const wasted = BigInt(Math.max(0, leaves - needed) + empty + deleted) * BigInt(PAGE);
  return { index, wasted, share: shareOf(wasted, index.bytes) };
}

function shareOf(wasted: bigint, bytes: bigint): number {
  return bytes === 0n ? 0 : Number(wasted) / Number(bytes);
}

/** To stop a reading that takes long. */
export interface BloatLimit {
  /** Other connections to the same database, which cancel what is under way. */
  readonly pool: Db;
  readonly signal: AbortSignal;
}

/**
 * How bloated the B-trees are that have `atLeast` bytes: smaller ones cannot waste so much. pgstattuple reads each whole; where
 * it is not installed, or the role may not call it, it is estimated. So is what is left when the limit is reached: whoever was asked
 * to stop altogether sees to that itself.
 *
 * @param db with a limit a direct session, and not the pool of them
 */
export async function readBloat(
  db: Db,
  facts: readonly IndexFacts[],
  atLeast: bigint,
  limit?: BloatLimit,
): Promise<BloatReading> {
  const candidates = facts.filter(
    (one) =>
      one.on !== 'partitioned' &&
      one.method === 'btree' &&
      one.isValid &&
      one.bytes >= atLeast &&
      one.bytes > 0n,
  );
  const measure = await findMeasure(db);
  const bloats: Bloat[] = [];
  const unknown: string[] = [];
  for (const index of candidates) {
    const bloat =
      (measure === undefined ? undefined : await measureOne(db, measure, index, limit)) ??
      estimateBloat(index);
    if (bloat === undefined) unknown.push(`${index.schema}.${index.name}`);
    else bloats.push(bloat);
  }
  return { by: measure === undefined ? 'estimate' : 'pgstattuple', bloats, unknown };
}

/** The function of the extension, quoted, where this role may call it. */
async function findMeasure(db: Db): Promise<string | undefined> {
  const { rows } = await sql<{ schema: string }>`
    SELECT n.nspname AS schema
    FROM pg_catalog.pg_extension AS e
    JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
    JOIN pg_catalog.pg_proc AS p ON p.pronamespace = n.oid AND p.proname = 'pgstatindex'
      AND pg_catalog.oidvectortypes(p.proargtypes) = 'regclass'
    WHERE e.extname = 'pgstattuple' AND has_function_privilege(p.oid, 'EXECUTE')
      AND has_schema_privilege(n.oid, 'USAGE')`.execute(db);
  return rows[0] === undefined ? undefined : identifier(rows[0].schema, 'pgstatindex');
}

/** Undefined of an index that went away meanwhile, that somebody keeps everybody out of, or for which there is no time. */
async function measureOne(
  db: Db,
  measure: string,
  index: IndexFacts,
  limit: BloatLimit | undefined,
): Promise<Bloat | undefined> {
  if (limit?.signal.aborted) return undefined;
  const read = () => readMeasured(db, measure, index);
  const relations = [[index.schema, index.table] as const];
  const reading = limit === undefined ? read() : withLongStatements(db, { ...limit, relations }, read);
  return reading.catch((error: unknown) => {
    const state = sqlState(error instanceof AppError ? error.cause : error) ?? '';
    if (isAppError(error, 'aborted') || ['42P01', '42704', '55P03'].includes(state)) return undefined;
    throw toAppError(error);
  });
}

async function readMeasured(db: Db, measure: string, index: IndexFacts): Promise<Bloat | undefined> {
  return db.transaction().execute(async (trx) => {
    await sql`SELECT set_config('lock_timeout', '2s', true), set_config('statement_timeout', '0', true)`.execute(
      trx,
    );
    const { rows } = await sql<Measured>`
      SELECT leaf_pages::float8 AS leaves, empty_pages::float8 AS empty, deleted_pages::float8 AS deleted,
             avg_leaf_density::float8 AS density
      FROM ${sql.raw(measure)}(to_regclass(${identifier(index.schema, index.name)}))
      WHERE leaf_pages IS NOT NULL`.execute(trx);
    return rows[0] && measuredBloat(index, rows[0]);
  });
}
