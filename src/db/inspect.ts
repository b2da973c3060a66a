import { sql } from 'kysely';
import type { Db } from './schema.ts';

/** What a look at the server tells about a set-up. */
export interface ServerFacts {
  /** As PostgreSQL counts: 180000 is 18.0. */
  readonly version: number;
  readonly now: Date;
  readonly role: string;
  readonly superuser: boolean;
  readonly inRecovery: boolean;
  /** fsync, full_page_writes: what makes a commit survive a crash. */
  readonly durable: boolean;
  /** True when the role may change or delete booked rows, which nothing here ever does. */
  readonly mayRewriteLedger: boolean;
}

export async function inspectServer(db: Db): Promise<ServerFacts> {
  const { rows } = await sql<ServerFacts>`
    SELECT current_setting('server_version_num')::int AS version,
           clock_timestamp() AS now,
           current_user AS role,
           current_setting('is_superuser') = 'on' AS superuser,
           pg_is_in_recovery() AS "inRecovery",
           current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on' AS durable,
           coalesce(has_table_privilege(to_regclass('ledger.transactions'), 'UPDATE, DELETE, TRUNCATE')
             OR has_table_privilege(to_regclass('ledger.entries'), 'UPDATE, DELETE, TRUNCATE'), false)
             AS "mayRewriteLedger"`.execute(db);
  return rows[0] as ServerFacts;
}

/** Whether this role can create and alter partitions: it owns the tables, and may make others beside them. */
export async function mayDefineTables(db: Db): Promise<boolean> {
  const { rows } = await sql<{ may: boolean }>`
    SELECT pg_has_role(c.relowner, 'USAGE') AND has_schema_privilege(c.relnamespace, 'CREATE') AS may
    FROM pg_catalog.pg_class AS c WHERE c.oid = to_regclass('ledger.transactions')`.execute(db);
  return rows[0]?.may ?? true;
}
