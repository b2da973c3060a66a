import { sql } from 'kysely';
import type { Db } from './schema.ts';

/** Which database a connection has led to, and as whom. */
export interface Identity {
  /** Of the files: a standby has its primary's. Undefined where it is not told. */
  readonly system: string | undefined;
  readonly oid: number;
  readonly database: string;
  readonly role: string;
  readonly isStandby: boolean;
  readonly address: string | null;
}

export async function readIdentity(db: Db): Promise<Identity> {
  const { rows } = await sql<Omit<Identity, 'system'>>`
    SELECT d.oid::int8::float8 AS oid, d.datname AS database, session_user::text AS role,
           pg_is_in_recovery() AS "isStandby", host(inet_server_addr()) AS address
    FROM pg_catalog.pg_database AS d WHERE d.datname = current_database()`.execute(db);
  // Some who run databases for others take this function away.
  const system = await sql<{ id: string }>`
    SELECT system_identifier::text AS id FROM pg_catalog.pg_control_system()`
    .execute(db)
    .then(({ rows: [row] }) => row?.id)
    .catch(() => undefined);
  return { ...(rows[0] as Omit<Identity, 'system'>), system };
}

/** How old the oldest transaction ids are, of the worst of our tables and of the whole database. */
export interface AgeFacts {
  readonly xids: number;
  readonly multixacts: number;
}

export async function readAges(db: Db): Promise<AgeFacts> {
  const { rows } = await sql<AgeFacts>`
    SELECT age(datfrozenxid)::float8 AS xids, mxid_age(datminmxid)::float8 AS multixacts
    FROM pg_catalog.pg_database WHERE datname = current_database()`.execute(db);
  return rows[0] as AgeFacts;
}

/** Relations that one statement over all quarters would lock, and how many locks the server has room for. */
export async function readLockRoom(db: Db): Promise<{ readonly relations: number; readonly slots: number }> {
  const { rows } = await sql<{ relations: number; slots: number }>`
    WITH part AS (
      SELECT i.inhrelid AS oid FROM pg_catalog.pg_inherits AS i
      WHERE i.inhparent IN (to_regclass('ledger.transactions'), to_regclass('ledger.entries'))
    )
    SELECT ((SELECT count(*) FROM part) + (SELECT count(*) FROM pg_catalog.pg_index WHERE indrelid IN (SELECT oid FROM part)))::int
             AS relations,
           current_setting('max_locks_per_transaction')::int
             * (current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int) AS slots`.execute(
    db,
  );
  return rows[0] as { relations: number; slots: number };
}

/** Tables of ours whose own settings keep autovacuum away. */
export async function readUnvacuumed(db: Db): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    SELECT n.nspname || '.' || c.relname AS name
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('ledger', 'quartermaster', 'pgboss') AND c.relkind = 'r'
      AND lower(split_part((SELECT o FROM unnest(c.reloptions) AS o WHERE o LIKE 'autovacuum_enabled=%'), '=', 2))
          IN ('false', 'off', 'no', '0')
    ORDER BY 1`.execute(db);
  return rows.map(({ name }) => name);
}

/** Where the files of the database are, as far as this role is shown: its directory and those of tablespaces. */
export async function readPlaces(db: Db): Promise<string[]> {
  const { rows } = await sql<{ place: string }>`
    SELECT setting AS place FROM pg_catalog.pg_settings WHERE name = 'data_directory'
    UNION
    SELECT pg_tablespace_location(oid) FROM pg_catalog.pg_tablespace
    WHERE pg_tablespace_location(oid) <> '' AND EXISTS (SELECT FROM pg_catalog.pg_settings WHERE name = 'data_directory')`.execute(
    db,
  );
  return rows.map(({ place }) => place);
}

export async function knowsZone(db: Db, zone: string): Promise<boolean> {
  const { rows } =
    await sql`SELECT FROM pg_catalog.pg_timezone_names WHERE lower(name) = lower(${zone})`.execute(db);
  return rows.length > 0;
}
