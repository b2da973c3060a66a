import { sql } from 'kysely';
import { isQuarterName } from '../core/quarter.ts';
import { quarterTables } from '../core/tables.ts';
import { BUILDER, TAIL } from '../db/index-shape.ts';
import type { Db, Trx } from '../db/schema.ts';

/** What an index stores of one column or expression, as far as the size of a row of it goes. */
export interface StoredColumn {
  /** Bytes on average of what is not NULL; undefined where the planner has no statistics of it. */
  readonly width: number | undefined;
  readonly align: number;
  readonly nulls: number;
}

/** One index of the catalog: of a plain table, of a partitioned one, or of a partition. */
export interface IndexFacts {
  readonly oid: number;
  readonly schema: string;
  readonly table: string;
  readonly name: string;
  readonly on: 'table' | 'partitioned' | 'partition' | 'detached';
  /** Of a partition: the table it is attached to, and the index of that which this one belongs to. */
  readonly rootTable: string | undefined;
  readonly parent: string | undefined;
  readonly isUnique: boolean;
  readonly isConstraint: boolean;
  readonly isValid: boolean;
  /** The session that builds an index of its table at this moment. */
  readonly builder: number | undefined;
  readonly method: string;
  /** Each with its class of operators, collation and direction: two that are the same text order rows alike. */
  readonly keys: readonly string[];
  readonly includes: readonly string[];
  readonly predicate: string | undefined;
  readonly tail: string;
  readonly scans: number;
  readonly bytes: bigint;
  readonly rows: number;
  readonly fillfactor: number;
  readonly columns: readonly StoredColumn[];
}

/** The schemas whose indexes are ours to care for. The queue keeps its own. */
const SCHEMAS = ['ledger', 'quartermaster'];

/** Every index of our schemas. Takes no lock that a writer waits for, and waits for none longer than a moment. */
export async function readIndexFacts(db: Db): Promise<IndexFacts[]> {
  return db.transaction().execute(async (trx) => {
    await sql`SELECT set_config('search_path', 'pg_catalog', true), set_config('lock_timeout', '2s', true)`.execute(
      trx,
    );
    const { rows } = await sql<
      Omit<IndexFacts, 'on' | 'columns'> & {
        relkind: string;
        columns: readonly Attribute[];
      }
    >`
      SELECT x.oid::int8::float8 AS oid, n.nspname AS schema, t.relname AS "table", x.relname AS name, t.relkind,
             (SELECT r.relname FROM pg_inherits AS h JOIN pg_class AS r ON r.oid = h.inhparent
              WHERE h.inhrelid = t.oid AND NOT h.inhdetachpending) AS "rootTable",
             (SELECT p.relname FROM pg_inherits AS h JOIN pg_class AS p ON p.oid = h.inhparent
              WHERE h.inhrelid = x.oid) AS parent,
             i.indisunique AS "isUnique", i.indisvalid AND i.indisready AS "isValid",
             EXISTS (SELECT FROM pg_constraint AS o WHERE o.conindid = x.oid AND o.contype IN ('p', 'u', 'x')) AS "isConstraint",
             ${sql.raw(BUILDER)} AS builder,
             m.amname AS method,
             ARRAY(SELECT concat_ws(' ', pg_get_indexdef(x.oid, k, false), i.indclass[k - 1], i.indcollation[k - 1], i.indoption[k - 1])
                   FROM generate_series(1, i.indnkeyatts) AS k ORDER BY k) AS keys,
             ARRAY(SELECT pg_get_indexdef(x.oid, k, false)
                   FROM generate_series(i.indnkeyatts + 1, i.indnatts) AS k ORDER BY k) AS includes,
             pg_get_expr(i.indpred, i.indrelid) AS predicate,
             ${sql.raw(TAIL)} AS tail,
             coalesce(pg_stat_get_numscans(x.oid), 0)::float8 AS scans,
             CASE WHEN x.relkind = 'I' THEN 0
                  -- To ask the size of one that somebody keeps everybody out of would be to wait for them.
                  WHEN EXISTS (SELECT FROM pg_locks AS l WHERE l.relation = x.oid AND l.mode = 'AccessExclusiveLock')
                  THEN x.relpages::bigint * current_setting('block_size')::bigint
                  ELSE coalesce(pg_relation_size(x.oid), 0) END AS bytes,
             x.reltuples::float8 AS rows,
             coalesce((SELECT split_part(o, '=', 2)::integer FROM unnest(x.reloptions) AS o WHERE o LIKE 'fillfactor=%'), 90) AS fillfactor,
             -- What is known of an expression is kept by the name of the index, of a column by that of the table.
             ARRAY(SELECT json_build_object(
                     'of', CASE WHEN i.indkey[a.attnum - 1] = 0 THEN x.relname ELSE t.relname END,
                     'name', CASE WHEN i.indkey[a.attnum - 1] = 0 THEN a.attname ELSE b.attname END,
                     'length', a.attlen, 'align', a.attalign)
                   FROM pg_attribute AS a
                   LEFT JOIN pg_attribute AS b ON b.attrelid = t.oid AND b.attnum = i.indkey[a.attnum - 1]
                   WHERE a.attrelid = x.oid AND a.attnum > 0 ORDER BY a.attnum) AS columns
      FROM pg_index AS i
      JOIN pg_class AS x ON x.oid = i.indexrelid
      JOIN pg_class AS t ON t.oid = i.indrelid
      JOIN pg_namespace AS n ON n.oid = t.relnamespace
      JOIN pg_am AS m ON m.oid = x.relam
      WHERE n.nspname = ANY (${SCHEMAS}) AND t.relkind IN ('r', 'p', 'm')
      ORDER BY n.nspname, t.relname, x.relname`.execute(trx);
    const statistics = await readStatistics(trx);
    return rows.map(({ relkind, columns, ...row }) => ({
      ...row,
      rootTable: row.rootTable ?? undefined,
      parent: row.parent ?? undefined,
      builder: row.builder ?? undefined,
      predicate: row.predicate ?? undefined,
      on:
        relkind === 'p'
          ? 'partitioned'
          : row.rootTable !== null
            ? 'partition'
            : isDetached(row.table)
              ? 'detached'
              : 'table',
      columns: columns.map((column) =>
        storedColumn(column, statistics.get(`${row.schema} ${column.of} ${column.name}`)),
      ),
    }));
  });
}

/** A column of an index as the catalog has it, and where its statistics are kept. */
interface Attribute {
  readonly of: string;
  readonly name: string;
  /** Bytes; below 0 where they vary. */
  readonly length: number;
  readonly align: string;
}

interface Statistics {
  readonly width: number;
  readonly nulls: number;
}

/** By schema, table and column. The view looks up rights for each row, so it is read once and not for each index. */
async function readStatistics(trx: Trx): Promise<Map<string, Statistics>> {
  const { rows } = await sql<Statistics & { schema: string; of: string; name: string }>`
    SELECT schemaname AS schema, tablename AS "of", attname AS name, avg_width::float8 AS width, null_frac::float8 AS nulls
    FROM pg_stats WHERE schemaname = ANY (${SCHEMAS}) AND NOT inherited`.execute(trx);
  return new Map(rows.map((row) => [`${row.schema} ${row.of} ${row.name}`, row]));
}

function storedColumn({ length, align }: Attribute, known: Statistics | undefined): StoredColumn {
  return {
    width: known?.width ?? (length > 0 ? length : undefined),
    // What varies in length is short, as a rule, and then begins anywhere.
    align: length < 0 ? 1 : (ALIGN[align] ?? 8),
    nulls: known?.nulls ?? 0,
  };
}

const ALIGN: Readonly<Record<string, number>> = { c: 1, s: 2, i: 4, d: 8 };

/** True for the own table of a quarter, which stands alone when it is not attached. */
function isDetached(name: string): boolean {
  return quarterTables.some(
    (table) => name.startsWith(`${table.name}_`) && isQuarterName(name.slice(table.name.length + 1)),
  );
}

/** What PostgreSQL has counted, and since when. */
export interface Counted {
  /** Scans are counted since then; earlier where it was shut down in order since. */
  readonly since: Date | undefined;
  readonly now: Date;
  /** Of the balances: updates, and those of them that no index had to be told of. */
  readonly updates: number;
  readonly hotUpdates: number;
  readonly fillfactor: number;
  /** Seconds since the oldest transaction began that keeps old rows from being cleaned away. */
  readonly oldestTransaction: number;
}

export async function readCounted(db: Db): Promise<Counted> {
  const { rows } = await sql<Omit<Counted, 'since'> & { since: Date | null }>`
    SELECT -- Both are reset by a crash; the first is NULL in a database whose counters were never reset by hand.
           greatest((SELECT stats_reset FROM pg_catalog.pg_stat_database WHERE datname = current_database()),
                    (SELECT stats_reset FROM pg_catalog.pg_stat_bgwriter)) AS since,
           now() AS now,
           coalesce(pg_catalog.pg_stat_get_tuples_updated(c.oid), 0)::float8 AS updates,
           coalesce(pg_catalog.pg_stat_get_tuples_hot_updated(c.oid), 0)::float8 AS "hotUpdates",
           coalesce((SELECT split_part(o, '=', 2)::integer FROM unnest(c.reloptions) AS o WHERE o LIKE 'fillfactor=%'), 100) AS fillfactor,
           coalesce((SELECT extract(epoch FROM max(clock_timestamp() - a.xact_start)) FROM pg_catalog.pg_stat_activity AS a
                     WHERE a.datname = current_database() AND a.backend_xmin IS NOT NULL), 0)::float8 AS "oldestTransaction"
    FROM pg_catalog.pg_class AS c WHERE c.oid = to_regclass('ledger.balances')`.execute(db);
  const [row] = rows;
  return {
    since: row?.since ?? undefined,
    now: row?.now ?? new Date(0),
    updates: row?.updates ?? 0,
    hotUpdates: row?.hotUpdates ?? 0,
    fillfactor: row?.fillfactor ?? 100,
    oldestTransaction: row?.oldestTransaction ?? 0,
  };
}
