import { type RawBuilder, sql } from 'kysely';
import { quarterTables } from '../core/tables.ts';
import { fencedSql } from './catalog.ts';
import { PENDING_DETACH, SCHEDULE_KNOWN } from './measurements.ts';

/** Marks that one reading counts: so many take less than a tenth of a second, and who has more knows enough by them. */
const MOST_MARKS = 500_000;

// Parts of the one statement of the figures, each a value of JSON. Of the ledger's tables they read the catalog and never a row.

/**
 * Sizes are those of the files. One that is exclusively locked, or waited for so, is counted by its last known pages: to ask its
 * size would be to wait for the lock. All locks are read once and before.
 */
export const partitionsSql = sql`
  WITH locked AS MATERIALIZED (
    SELECT coalesce(x.indrelid, l.relation) AS oid
    FROM pg_catalog.pg_locks AS l LEFT JOIN pg_catalog.pg_index AS x ON x.indexrelid = l.relation
    WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
      AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
  ), fenced AS MATERIALIZED (${fencedSql}
  ), parent AS (
    SELECT c.oid, c.relname, c.relnamespace
    FROM unnest(${quarterTables.map(({ schema }) => schema)}::text[], ${quarterTables.map(({ name }) => name)}::text[])
      AS t (schema, name)
    JOIN pg_catalog.pg_namespace AS n ON n.nspname = t.schema
    JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = t.name AND c.relkind = 'p'
  ), child AS (
    SELECT parent.relname AS parent, i.inhrelid AS oid, i.xmin::text AS change,
           CASE WHEN i.inhdetachpending THEN 'detaching' ELSE 'attached' END AS attachment
    FROM parent JOIN pg_catalog.pg_inherits AS i ON i.inhparent = parent.oid
    UNION ALL
    SELECT parent.relname, c.oid, '', 'standalone'
    FROM parent JOIN pg_catalog.pg_class AS c ON c.relnamespace = parent.relnamespace AND c.relkind = 'r'
      AND left(c.relname, length(parent.relname) + 1) = parent.relname || '_'
      AND substr(c.relname, length(parent.relname) + 2) ~ '^[0-9]{4}q[1-4]$'
    WHERE NOT EXISTS (
      SELECT FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = parent.oid AND i.inhrelid = c.oid)
  )
  SELECT coalesce(json_agg(json_build_object(
           'table', child.parent, 'schema', n.nspname, 'name', c.relname, 'attachment', child.attachment,
           'change', child.change,
           'bounds', CASE WHEN child.attachment <> 'standalone' THEN pg_get_expr(c.relpartbound, 0) END,
           'fenced', c.oid IN (SELECT oid FROM fenced),
           'bytes', CASE WHEN c.oid IN (SELECT oid FROM locked)
                         THEN c.relpages::bigint * current_setting('block_size')::bigint
                         ELSE coalesce(pg_catalog.pg_total_relation_size(c.oid), 0) END)), '[]')
  FROM child
  JOIN pg_catalog.pg_class AS c ON c.oid = child.oid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace`;

/** `freed_at`: when the quarter was last let go on, by the end of a hold or the reopening of one before it. */
export const quartersSql = sql`
  SELECT coalesce(json_agg(json_build_object(
           'quarter', q.quarter, 'state', q.state, 'ends_at', q.ends_at, 'hold_reason', q.hold_reason,
           'stale_reason', q.stale_reason, 'reopened_at', q.reopened_at, 'closed_at', q.closed_at,
           'archived_at', q.archived_at, 'detached_at', q.detached_at, 'restored_at', q.restored_at,
           'restored_until', q.restored_until,
           'freed_at', CASE WHEN q.hold_reason IS NULL AND q.state IN ('closed', 'archived', 'detached') THEN
             (SELECT max(e.at) FROM quartermaster.quarter_events AS e
              WHERE e.quarter = q.quarter AND e.event IN ('unhold', 'stale')) END,
           'opened_at', CASE WHEN q.state = 'open' THEN
             (SELECT max(e.at) FROM quartermaster.quarter_events AS e
              WHERE e.quarter = q.quarter AND e.event = 'create') END,
           'asked', coalesce((SELECT json_agg(json_build_object('verb', a.verb, 'approved', a.approved_by IS NOT NULL))
                              FROM quartermaster.approvals AS a
                              WHERE a.quarter = q.quarter AND a.digest = q.digest), '[]'))), '[]')
  FROM quartermaster.quarters AS q`;

export const archivesSql = sql`
  SELECT json_build_object(
    'count', count(*), 'bytes', coalesce(sum(a.bytes), 0),
    -- One that was read and found damaged has no such time any more, and is told otherwise.
    'readAt', min(coalesce(a.verified_at, a.written_at)) FILTER (WHERE a.verified_at IS NOT NULL OR NOT EXISTS (
      SELECT FROM quartermaster.quarter_events AS e
      WHERE e.quarter = a.quarter AND e.event = 'verify_failed' AND e.at >= a.written_at)),
    'rows', (SELECT coalesce(json_object_agg(f.table_name, f.rows), '{}')
             FROM (SELECT table_name, sum(rows) AS rows FROM quartermaster.archive_files GROUP BY table_name) AS f))
  FROM quartermaster.archives AS a`;

/** Days whose quarter is not online are not behind, as in summaries/lag.ts. */
export function summariesSql(zone: string): RawBuilder<unknown> {
  return sql`
    WITH offline AS MATERIALIZED (
      SELECT (q.starts_at AT TIME ZONE ${zone})::date AS first_day, (q.ends_at AT TIME ZONE ${zone})::date AS end_day
      FROM quartermaster.quarters AS q
      WHERE q.state IN ('detached', 'dropped')
         OR (q.state IN ('archived', 'restored') AND pg_partition_root(to_regclass('ledger.transactions_' || q.quarter))
             IS DISTINCT FROM 'ledger.transactions'::regclass)
    )
    SELECT json_build_object(
      'days', count(*),
      'seconds', coalesce(greatest(extract(epoch FROM clock_timestamp() - min(d.since)), 0), 0))
    FROM (
      SELECT m.ledger_id, m.day, min(m.marked_at) AS since
      FROM (SELECT ledger_id, day, marked_at FROM quartermaster.summary_marks LIMIT ${MOST_MARKS}) AS m
      GROUP BY m.ledger_id, m.day
    ) AS d
    WHERE NOT EXISTS (SELECT FROM offline AS o WHERE d.day >= o.first_day AND d.day < o.end_day)`;
}

export const outcomesSql = sql`
  SELECT coalesce(json_agg(json_build_object(
           'job', job_name, 'succeeded', extract(epoch FROM succeeded_at), 'failed', extract(epoch FROM failed_at))), '[]')
  FROM quartermaster.job_outcomes`;

/** What was only seen has its age instead of a value, and when that began. */
export const measurementsSql = sql`
  SELECT coalesce(json_agg(json_build_object(
           'metric', metric, 'label', label,
           'value', CASE metric WHEN ${PENDING_DETACH} THEN extract(epoch FROM clock_timestamp() - measured_at)
                                WHEN ${SCHEDULE_KNOWN} THEN extract(epoch FROM measured_at) ELSE value END)), '[]')
  FROM quartermaster.measurements`;

/** A quarter that is frozen away has nothing left that would have to be frozen, however old its tables say they are. */
export const freezeSql = sql`
  SELECT json_build_object(
    'age', max(greatest(age(c.relfrozenxid), age(t.relfrozenxid))),
    'limit', current_setting('autovacuum_freeze_max_age')::bigint)
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_class AS t ON t.oid = c.reltoastrelid AND t.relfrozenxid <> '0'
  WHERE n.nspname IN ('ledger', 'quartermaster') AND c.relkind = 'r' AND c.relfrozenxid <> '0'
    AND c.relname NOT IN (
      SELECT p.name || '_' || q.quarter
      FROM quartermaster.quarters AS q CROSS JOIN unnest(${quarterTables.map(({ name }) => name)}::text[]) AS p (name)
      WHERE q.frozen_at IS NOT NULL)`;

/** Of sessions all roles are told how many there are. */
export const serverSql = sql`
  SELECT json_build_object(
    'connections', sum(numbackends),
    'limit', current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer
             - coalesce(current_setting('reserved_connections', true)::integer, 0))
  FROM pg_catalog.pg_stat_database`;

export const updatesSql = sql`
  SELECT json_build_object('all', pg_catalog.pg_stat_get_tuples_updated(oid),
                           'hot', pg_catalog.pg_stat_get_tuples_hot_updated(oid))
  FROM (SELECT to_regclass('ledger.balances')::oid AS oid) AS balances`;

/**
 * What is not over, by queue. Ready is what a worker could take now: neither what waits behind a step of its line, which is
 * then running, failed or to be tried again, nor a second run of what runs already.
 */
export const queuesSql = sql`
  WITH live AS MATERIALIZED (
    SELECT j.name, j.state, j.policy, j.singleton_key AS key, j.blocked, greatest(j.created_on, j.start_after) AS since
    FROM pgboss.job AS j
    WHERE j.state IN ('created', 'retry', 'active', 'failed')
  ), held AS MATERIALIZED (
    SELECT DISTINCT l.name, coalesce(l.key, '') AS key FROM live AS l
    WHERE (l.policy = 'key_strict_fifo' AND l.state IN ('active', 'failed', 'retry'))
       OR (l.policy = 'stately' AND l.state = 'active')
  )
  SELECT coalesce(json_agg(json_build_object(
           'queue', q.name, 'waiting', coalesce(n.waiting, 0), 'running', coalesce(n.running, 0),
           'failed', coalesce(n.failed, 0), 'blockedLines', coalesce(n.lines, 0),
           'readySeconds', coalesce(extract(epoch FROM clock_timestamp() - n.ready_since), 0))), '[]')
  FROM pgboss.queue AS q
  LEFT JOIN (
    SELECT l.name, count(*) FILTER (WHERE l.state IN ('created', 'retry')) AS waiting,
           count(*) FILTER (WHERE l.state = 'active') AS running,
           count(*) FILTER (WHERE l.state = 'failed') AS failed,
           count(DISTINCT l.key) FILTER (WHERE l.state = 'failed' AND l.policy = 'key_strict_fifo') AS lines,
           min(l.since) FILTER (
             WHERE l.state IN ('created', 'retry') AND NOT l.blocked AND l.since <= clock_timestamp()
               AND (h.name IS NULL OR (l.state = 'retry' AND l.policy = 'key_strict_fifo'))
           ) AS ready_since
    FROM live AS l LEFT JOIN held AS h ON h.name = l.name AND h.key = coalesce(l.key, '')
    GROUP BY l.name
  ) AS n ON n.name = q.name`;
