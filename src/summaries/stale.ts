import { sql } from 'kysely';
import { quarterTables } from '../core/tables.ts';
import { identifier } from '../db/identifier.ts';
import type { Db } from '../db/schema.ts';

/** Why the planner's statistics of a table are not what they should be. */
export type StaleReason =
  /** There are none. */
  | 'never_analyzed'
  /** The file has grown: the counters of changes arrive up to ten seconds after a transaction. */
  | 'grown'
  | 'changed'
  /** An object of CREATE STATISTICS holds nothing yet. */
  | 'not_built'
  /** Of a partitioned table: a partition was analyzed after it, or partitions with many rows came or went. */
  | 'partitions_newer'
  | 'partitions_changed';

/** A table whose statistics are missing or stale. */
export interface StaleTable {
  readonly schema: string;
  readonly name: string;
  readonly partitioned: boolean;
  readonly reason: StaleReason;
  /** How much of it the planner does not know, 1 where it knows nothing; undefined where that is no question of size. */
  readonly share: number | undefined;
  /** As far as is known; 0 of a table that nobody has counted. */
  readonly rows: number;
  readonly pages: number;
  readonly detail: string;
}

/** What the catalog and the counters know of a table. Rows and pages are -1 and 0 where nobody has counted. */
export interface TableFacts {
  readonly schema: string;
  readonly name: string;
  readonly partitioned: boolean;
  /** Pages of the file; of a partitioned table those of its partitions. */
  readonly pages: number;
  readonly knownPages: number;
  readonly knownRows: number;
  readonly analyzedAt: Date | null;
  readonly hasStatistics: boolean;
  readonly changedRows: number;
  readonly liveRows: number;
  /** A statistics object without content. */
  readonly notBuilt: string | null;
  /** Of the partitions: their rows together, and when one was last analyzed that says something about the table. */
  readonly partitionRows: number;
  readonly partitionAnalyzedAt: Date | null;
}

/** From so much on a change makes another plan likely. */
const STALE_SHARE = 0.1;
/** Fewer rows make no difference to a plan that anybody notices. */
const FEW_ROWS = 1000;
const FEW_PAGES = 10;
/** A plan that takes so many rows for none is slow. */
const MANY_ROWS = 100_000;
const MANY_PAGES = 2000;

/** True of what somebody should see to: much of a table that is not small. The rest is the job's daily work. */
export function matters({ rows, pages, share = 0 }: StaleTable): boolean {
  return share >= 0.5 && (rows >= MANY_ROWS || pages >= MANY_PAGES);
}

/** Plain tables that a load, a refresh or a close changes as much as it does the partitions. */
const companions = [
  { schema: 'ledger', name: 'ledgers' },
  { schema: 'ledger', name: 'accounts' },
  { schema: 'ledger', name: 'balances' },
  { schema: 'ledger', name: 'daily_transaction_summary' },
  { schema: 'ledger', name: 'daily_balances' },
  { schema: 'ledger', name: 'daily_totals' },
  { schema: 'ledger', name: 'daily_group_totals' },
  { schema: 'ledger', name: 'quarter_balances' },
  { schema: 'ledger', name: 'quarter_accounts' },
];

/**
 * The tables whose statistics are missing or stale: partitions, the partitioned tables, and the tables of summaries. What
 * autovacuum has done, or a person, counts like what we have done.
 */
export async function staleStatistics(db: Db): Promise<StaleTable[]> {
  return (await readFacts(db)).flatMap((facts) => {
    const stale = staleness(facts);
    if (stale === undefined) return [];
    const { schema, name, partitioned, pages, knownRows, liveRows, partitionRows } = facts;
    const rows = Math.max(knownRows, liveRows, partitionRows, 0);
    return [{ schema, name, partitioned, pages, rows, ...stale }];
  });
}

/** Why these statistics have to be made anew; undefined when they are as they should be. */
export function staleness(facts: TableFacts): Pick<StaleTable, 'reason' | 'share' | 'detail'> | undefined {
  const table = `${facts.schema}.${facts.name}`;
  if (facts.pages === 0) return undefined;
  // Counters are lost in a crash, and statistics are not: only where both are missing it was never done.
  if (facts.analyzedAt === null && !facts.hasStatistics) {
    const detail = `${table} was never analyzed: the planner can only guess what is in it.`;
    return { reason: 'never_analyzed', share: 1, detail };
  }
  const changed = facts.partitioned ? partitionChange(facts, table) : tableChange(facts, table);
  if (changed !== undefined) return changed;
  if (facts.notBuilt === null || facts.knownRows <= 0) return undefined;
  const detail = `${facts.notBuilt} of ${table} holds nothing yet: the table was not analyzed since it was made.`;
  return { reason: 'not_built', share: undefined, detail };
}

function tableChange({ pages, knownPages, changedRows, liveRows }: TableFacts, table: string) {
  if (pages > knownPages * (1 + STALE_SHARE) + FEW_PAGES) {
    const share = (pages - knownPages) / pages;
    const detail = `${table} has grown from ${knownPages} to ${pages} pages since it was last analyzed.`;
    return { reason: 'grown', share, detail } as const;
  }
  if (changedRows <= Math.max(FEW_ROWS, STALE_SHARE * liveRows)) return undefined;
  const share = Math.min(1, changedRows / Math.max(liveRows, changedRows));
  const detail = `${changedRows} rows of ${table} came or changed since it was last analyzed, ${Math.round(share * 100)} % of it.`;
  return { reason: 'changed', share, detail } as const;
}

/** Rows are only ever added, so how many there are says how much is new; also when a quarter came back or left. */
function partitionChange(facts: TableFacts, table: string) {
  const { knownRows, partitionRows, analyzedAt, partitionAnalyzedAt } = facts;
  const known = Math.max(knownRows, 0);
  const more = Math.max(known, partitionRows);
  const share = more === 0 ? 0 : Math.abs(known - partitionRows) / more;
  if (Math.abs(known - partitionRows) > Math.max(FEW_ROWS, STALE_SHARE * more)) {
    const detail = `${table} is known to have ${Math.round(known)} rows, and its partitions have ${Math.round(partitionRows)}.`;
    return { reason: 'partitions_changed', share, detail } as const;
  }
  if (partitionAnalyzedAt === null || partitionAnalyzedAt <= (analyzedAt ?? new Date(0))) return undefined;
  const detail = `A partition of ${table} was analyzed after the table itself.`;
  return { reason: 'partitions_newer', share: undefined, detail } as const;
}

/**
 * Plain tables first. Nothing is waited for: of a table that somebody keeps everybody out of, the size is the one last known.
 *
 * Since 18 a partitioned table can be sampled alone. Before, its ANALYZE reads every partition anew, so there the time at
 * which one was analyzed is no reason.
 */
async function readFacts(db: Db): Promise<TableFacts[]> {
  return db.transaction().execute(async (trx) => {
    await sql`SELECT set_config('lock_timeout', '2s', true)`.execute(trx);
    const { rows } = await sql<TableFacts>`
      WITH parent AS (
        SELECT c.oid FROM pg_catalog.pg_class AS c
        WHERE c.relkind = 'p'
          AND c.oid = ANY (SELECT to_regclass(name) FROM unnest(${namesOf(quarterTables)}::text[]) AS name)
      ), child AS (
        SELECT i.inhparent, i.inhrelid AS oid FROM parent
        JOIN pg_catalog.pg_inherits AS i ON i.inhparent = parent.oid AND NOT i.inhdetachpending
      ), plain AS (
        SELECT c.oid, false AS partitioned, 0::float8 AS "partitionRows", NULL::timestamptz AS "partitionAnalyzedAt",
               CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_locks AS l
                                 WHERE l.relation = c.oid AND l.mode = 'AccessExclusiveLock' AND l.granted)
                    THEN c.relpages
                    ELSE coalesce(pg_catalog.pg_relation_size(c.oid), 0) / current_setting('block_size')::bigint
               END::float8 AS pages
        FROM pg_catalog.pg_class AS c
        WHERE c.relkind = 'r'
          AND (c.oid IN (SELECT oid FROM child)
            OR c.oid = ANY (SELECT to_regclass(name) FROM unnest(${namesOf(companions)}::text[]) AS name))
      ), whole AS (
        SELECT child.inhparent AS oid, true AS partitioned, sum(greatest(c.reltuples, 0))::float8 AS "partitionRows",
               CASE WHEN current_setting('server_version_num')::integer >= 180000
                    THEN max(greatest(s.last_analyze, s.last_autoanalyze)) END AS "partitionAnalyzedAt",
               sum(plain.pages)::float8 AS pages
        FROM child
        JOIN pg_catalog.pg_class AS c ON c.oid = child.oid
        JOIN plain ON plain.oid = child.oid
        LEFT JOIN pg_catalog.pg_stat_user_tables AS s ON s.relid = child.oid
        GROUP BY child.inhparent
      )
      SELECT n.nspname AS schema, c.relname AS name, t.partitioned, t.pages,
             greatest(c.relpages, 0)::float8 AS "knownPages", c.reltuples::float8 AS "knownRows",
             greatest(pg_catalog.pg_stat_get_last_analyze_time(c.oid),
                      pg_catalog.pg_stat_get_last_autoanalyze_time(c.oid)) AS "analyzedAt",
             EXISTS (SELECT FROM pg_catalog.pg_stats AS p
                     WHERE p.schemaname = n.nspname AND p.tablename = c.relname AND p.inherited = t.partitioned)
               AS "hasStatistics",
             pg_catalog.pg_stat_get_mod_since_analyze(c.oid)::float8 AS "changedRows",
             pg_catalog.pg_stat_get_live_tuples(c.oid)::float8 AS "liveRows",
             (SELECT min(e.stxname) FROM pg_catalog.pg_statistic_ext AS e
              WHERE e.stxrelid = c.oid AND coalesce(e.stxstattarget, -1) <> 0
                -- Nobody else is shown what they hold.
                AND pg_catalog.pg_has_role(c.relowner, 'USAGE')
                AND NOT EXISTS (SELECT FROM pg_catalog.pg_stats_ext AS x
                                WHERE x.statistics_schemaname = e.stxnamespace::regnamespace::text
                                  AND x.statistics_name = e.stxname AND x.inherited = t.partitioned)) AS "notBuilt",
             t."partitionRows", t."partitionAnalyzedAt"
      FROM (SELECT oid, partitioned, "partitionRows", "partitionAnalyzedAt", pages FROM plain
            UNION ALL SELECT oid, partitioned, "partitionRows", "partitionAnalyzedAt", pages FROM whole) AS t
      JOIN pg_catalog.pg_class AS c ON c.oid = t.oid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      ORDER BY t.partitioned, n.nspname, c.relname`.execute(trx);
    return rows;
  });
}

function namesOf(tables: readonly { schema: string; name: string }[]): string[] {
  return tables.map(({ schema, name }) => identifier(schema, name));
}
