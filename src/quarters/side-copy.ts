import { sql } from 'kysely';
import { dropTables } from '../db/drop-tables.ts';
import { identifier } from '../db/identifier.ts';
import { withShortLock } from '../db/locks.ts';
import type { Db, Trx } from '../db/schema.ts';
import { sqlState, toAppError } from '../db/sqlstate.ts';
import type { QuarterRun } from './context.ts';
import type { Obstacle } from './outlook.ts';

/** A copy of a quarter in a schema of its own, as it is found. */
export interface SideCopy {
  readonly schema: string;
  readonly hasSchema: boolean;
  /** Tables in the schema that we made of this quarter, by name. */
  readonly tables: readonly string[];
  /** Other relations there, whatever they are. */
  readonly strangers: readonly string[];
  /** Until when it is wanted; undefined when it was never finished. */
  readonly expiresAt: Date | undefined;
}

/** Ours, those of the queue, and PostgreSQL's own. */
const taken = /^(ledger|quartermaster|reports|pgboss|information_schema|pg_.*)$/;

/** What is wrong with the name of a schema for copies. */
export function schemaObstacle(schema: string): Obstacle[] {
  if (/^[a-z_][a-z0-9_]{0,62}$/.test(schema) && !taken.test(schema)) return [];
  const detail = `A copy goes into a schema of its own, with up to 63 lower-case letters, digits and _ as its name, such as audit_2024: not into the ledger's or PostgreSQL's.`;
  return [{ code: 'invalid_schema', kind: 'invalid', detail }];
}

/** `transactions_2024q1`: several quarters may share a schema. */
export function copyName(table: string, quarter: string): string {
  return `${table}_${quarter}`;
}

export async function readSideCopy(db: Db, quarter: string, schema: string): Promise<SideCopy> {
  const { rows } = await sql<{ name: string | null; is_ours: boolean }>`
    SELECT c.relname AS name,
           coalesce(c.relkind = 'r' AND obj_description(c.oid, 'pg_class') = ${markOf(quarter)}, false) AS is_ours
    FROM pg_catalog.pg_namespace AS n LEFT JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid
    WHERE n.nspname = ${schema} ORDER BY c.relname`.execute(db);
  const row = await db
    .selectFrom('quartermaster.restores')
    .select('expires_at')
    .where('quarter', '=', quarter)
    .where('schema_name', '=', schema)
    .executeTakeFirst();
  const named = (isOurs: boolean) =>
    rows.flatMap(({ name, is_ours }) => (name !== null && is_ours === isOurs ? [name] : []));
  return {
    schema,
    hasSchema: rows.length > 0,
    tables: named(true),
    strangers: named(false),
    expiresAt: row?.expires_at,
  };
}

/** Says of a table, to people and to us, where it comes from: by it a killed run's leftovers are known. `name` is quoted. */
export function markTableSql(name: string, quarter: string): string {
  return `COMMENT ON TABLE ${name} IS '${markOf(quarter)}';`;
}

function markOf(quarter: string): string {
  return `Copy of ${quarter} from its archive, made by Quartermaster.`;
}

const SCHEMA_MARK = 'Made by Quartermaster for copies of quarters.';

/** Makes the schema when it is not there. It may appear meanwhile, which is as well. */
export async function ensureSchema(session: Db, schema: string, readers: readonly string[]): Promise<void> {
  const name = identifier(schema);
  const { rows } = await sql`SELECT FROM pg_catalog.pg_namespace WHERE nspname = ${schema}`.execute(session);
  if (rows.length > 0) return;
  const make = session.transaction().execute(async (trx) => {
    await sql.raw(`CREATE SCHEMA ${name}`).execute(trx);
    await sql.raw(`COMMENT ON SCHEMA ${name} IS '${SCHEMA_MARK}'`).execute(trx);
    if (readers.length > 0)
      await sql.raw(`GRANT USAGE ON SCHEMA ${name} TO ${readers.join(', ')}`).execute(trx);
  });
  await make.catch((error: unknown) => {
    // Two quarters that are copied into it at once: the one makes it, and the other may come upon its name half-way.
    if (!['42P06', '23505'].includes(sqlState(error) ?? '')) throw toAppError(error);
  });
}

/** Drops the tables of a copy, and never what others have built upon them. */
export async function dropCopy(session: Db, run: QuarterRun, copy: SideCopy): Promise<void> {
  if (copy.tables.length === 0) return;
  await withShortLock(session, (trx) => dropCopyIn(trx, copy), lockOptions(run, copy));
}

export function lockOptions(run: QuarterRun, { schema, tables }: SideCopy) {
  const relations = tables.map((name) => [schema, name] as const);
  return { signal: run.signal, onBlocked: run.onBlocked, relations };
}

export async function dropCopyIn(trx: Trx, { schema, tables }: SideCopy): Promise<void> {
  await dropTables(
    trx,
    tables.map((name) => identifier(schema, name)),
  );
}

/** Drops the schema when we made it and nothing is left in it. */
export async function dropEmptySchema(trx: Trx, schema: string): Promise<boolean> {
  const { rows } = await sql<{ oid: number }>`
    SELECT n.oid::int8::float8 AS oid FROM pg_catalog.pg_namespace AS n
    WHERE n.nspname = ${schema} AND obj_description(n.oid, 'pg_namespace') = ${SCHEMA_MARK}
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                      WHERE d.refclassid = 'pg_catalog.pg_namespace'::regclass AND d.refobjid = n.oid
                        AND d.deptype = 'n')`.execute(trx);
  if (rows.length === 0) return false;
  await sql.raw(`DROP SCHEMA ${identifier(schema)}`).execute(trx);
  return true;
}
