import { sql } from 'kysely';
import type { Db } from './schema.ts';

/** How many sessions there are, and may be. */
export interface ConnectionFacts {
  readonly used: number;
  readonly limit: number;
  /** Of superusers alone, and of roles with pg_use_reserved_connections. */
  readonly reserved: number;
  /** Processes that serve: each keeps one session of this name to look whether it is ready. */
  readonly serving: number;
}

export async function readConnections(db: Db): Promise<ConnectionFacts> {
  const { rows } = await sql<ConnectionFacts>`
    SELECT (SELECT sum(numbackends) FROM pg_catalog.pg_stat_database)::int AS used,
           current_setting('max_connections')::int AS limit,
           current_setting('superuser_reserved_connections')::int
             + coalesce(current_setting('reserved_connections', true)::int, 0) AS reserved,
           (SELECT count(*) FROM pg_catalog.pg_stat_activity
            WHERE application_name = 'quartermaster-look' AND datname = current_database())::int AS serving`.execute(
    db,
  );
  return rows[0] as ConnectionFacts;
}

/** Something that keeps old rows from being cleaned away, or WAL from being let go. */
export interface Holder {
  readonly kind: 'idle' | 'long' | 'prepared' | 'slot';
  /** A process, a transaction or a slot by name, with who it belongs to. */
  readonly who: string;
  /** Since it began; null where that is not told. */
  readonly seconds: number | null;
  /** Of a slot: WAL that is kept for it. */
  readonly bytes: number | null;
}

export interface HolderReport {
  readonly holders: readonly Holder[];
  /** Sessions of other roles, of which this role is not told what they do. */
  readonly hidden: number;
}

export async function readHolders(db: Db): Promise<HolderReport> {
  const { rows: holders } = await sql<Holder>`
    SELECT CASE WHEN state LIKE 'idle in transaction%' THEN 'idle' ELSE 'long' END AS kind,
           'process ' || pid || ' of ' || usename || coalesce(' (' || nullif(application_name, '') || ')', '') AS who,
           extract(epoch FROM clock_timestamp() - CASE WHEN state LIKE 'idle in transaction%' THEN state_change ELSE xact_start END)
             ::float8 AS seconds, NULL::float8 AS bytes
    FROM pg_catalog.pg_stat_activity
    WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid() AND backend_type = 'client backend'
    UNION ALL
    SELECT 'prepared', 'prepared transaction ' || gid || ' of ' || owner, extract(epoch FROM clock_timestamp() - prepared)::float8, NULL
    FROM pg_catalog.pg_prepared_xacts WHERE database = current_database()
    UNION ALL
    SELECT 'slot', 'replication slot ' || slot_name, NULL,
           CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) END::float8
    FROM pg_catalog.pg_replication_slots
    WHERE NOT active AND (restart_lsn IS NOT NULL OR xmin IS NOT NULL OR catalog_xmin IS NOT NULL)`.execute(
    db,
  );
  const { rows } = await sql<{ hidden: number }>`
    SELECT count(*)::int AS hidden FROM pg_catalog.pg_stat_activity
    WHERE datname = current_database() AND backend_type IS NULL`.execute(db);
  return { holders, hidden: rows[0]?.hidden ?? 0 };
}
