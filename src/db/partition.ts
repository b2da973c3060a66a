import { sql } from 'kysely';
import { AppError } from '../core/errors.ts';
import type { Quarter } from '../core/quarter.ts';
import { partitionName, type QuarterTable } from '../core/tables.ts';
import { BOUNDS_CONSTRAINT, type ParentTable } from './catalog.ts';
import { identifier, instantLiteral } from './identifier.ts';
import { type ShortLockOptions, withShortLock } from './locks.ts';
import { type LongStatementOptions, withLongStatements } from './long-statement.ts';
import type { Db, Trx } from './schema.ts';
import { CLOSED_CONSTRAINT, sqlState } from './sqlstate.ts';

export type PartitionLockOptions = Pick<ShortLockOptions, 'signal' | 'onBlocked'>;

export interface DetachOptions extends Omit<LongStatementOptions, 'relations'> {
  /** The table has a DEFAULT partition, beside which PostgreSQL detaches nothing concurrently. */
  readonly hasDefault: boolean;
}

/**
 * How autovacuum cares for a partition, which only grows; a partitioned table can hold no such settings. Rows are frozen by the
 * first vacuum that comes to them, while their pages are still in memory, so that nothing has to be read and written for it
 * when the quarter is over; and it comes at each twentieth that was added. Statistics follow each fiftieth, for of what came
 * after the last ANALYZE the planner believes that there is nothing. Decision 0013 has the measurements.
 */
export const partitionSettings: Readonly<Record<string, string>> = {
  autovacuum_vacuum_insert_scale_factor: '0.05',
  autovacuum_vacuum_insert_threshold: '10000',
  autovacuum_freeze_min_age: '0',
  autovacuum_analyze_scale_factor: '0.02',
};

/**
 * Makes the quarter's partitions of these tables and attaches them, in the caller's transaction: a kill leaves
 * nothing half done. ATTACH takes SHARE UPDATE EXCLUSIVE on the parent, which readers and writers do not notice;
 * CREATE TABLE … PARTITION OF would take ACCESS EXCLUSIVE.
 */
export async function createPartitions(
  trx: Trx,
  parents: readonly ParentTable[],
  quarter: Quarter,
): Promise<void> {
  if (parents.length === 0) return;
  // One message for all of it: without parameters the text goes as a simple query, which may hold many statements.
  await sql.raw(parents.map((parent) => createPartitionSql(parent, quarter)).join('\n')).execute(trx);
}

/** The statements that make and attach a partition like its parent in all that rows and roles can notice. */
export function createPartitionSql(parent: ParentTable, quarter: Quarter): string {
  const name = partitionSql(parent.table, quarter.name);
  return [
    likeTableSql(parent.table, name, quarter, 'INCLUDING ALL'),
    rightsSql(parent, name),
    attachSql(parent.table, quarter),
  ].join('\n');
}

/**
 * Makes a table with the columns, defaults and constraints of a quarter's table, the CHECK of its bounds, and the settings
 * of a partition.
 *
 * @param name quoted
 * @param including the options of LIKE: with INDEXES excluded rows come in faster, and an index is built once
 */
export function likeTableSql(table: QuarterTable, name: string, quarter: Quarter, including: string): string {
  const [from, to] = [instantLiteral(quarter.start), instantLiteral(quarter.end)];
  const settings = Object.entries(partitionSettings).map((setting) => setting.join(' = '));
  return [
    `CREATE TABLE ${name} (LIKE ${identifier(table.schema, table.name)} ${including}, CONSTRAINT ${identifier(BOUNDS_CONSTRAINT)}`,
    `  CHECK (created_at >= ${from} AND created_at < ${to})) WITH (${settings.join(', ')});`,
  ].join('\n');
}

/** Gives a table what LIKE leaves behind: owner, grants and statistics targets. `name` is quoted. */
export function rightsSql({ owner, grants, defaultGrantees, statistics }: ParentTable, name: string): string {
  const strangers = new Set(['', ...defaultGrantees]);
  return [
    ...(owner === undefined ? [] : [`ALTER TABLE ${name} OWNER TO ${identifier(owner)};`]),
    // A new table belongs to its owner with all rights; our parents gave some of theirs up.
    `REVOKE ALL ON ${name} FROM ${[...strangers].map(roleSql).join(', ')}, ${owner === undefined ? 'CURRENT_USER' : identifier(owner)};`,
    ...grants.map(
      ({ grantee, privileges, grantable }) =>
        `GRANT ${privileges.join(', ')} ON ${name} TO ${roleSql(grantee)}${grantable ? ' WITH GRANT OPTION' : ''};`,
    ),
    ...statistics.map(
      ({ column, target }) =>
        `ALTER TABLE ${name} ALTER COLUMN ${identifier(column)} SET STATISTICS ${target};`,
    ),
  ].join('\n');
}

/** Attaches the quarter's own table. With its CHECK of the bounds, and indexes like the table's, no row is read. */
export function attachSql(table: QuarterTable, quarter: Quarter): string {
  const [from, to] = [instantLiteral(quarter.start), instantLiteral(quarter.end)];
  return `ALTER TABLE ${identifier(table.schema, table.name)} ATTACH PARTITION ${partitionSql(table, quarter.name)} FOR VALUES FROM (${from}) TO (${to});`;
}

/**
 * The statement that makes PostgreSQL refuse every row of a table from now on; those that are there are not looked at. `name`
 * is quoted.
 */
export function fenceSql(name: string): string {
  return `ALTER TABLE ${name} ADD CONSTRAINT ${CLOSED} CHECK (false) NOT VALID`;
}

/** Drops a leftover of ours after a look that it is empty, with everybody kept out. False when it holds rows. */
export async function dropLeftover(trx: Trx, table: QuarterTable, quarter: string): Promise<boolean> {
  const name = partitionSql(table, quarter);
  // Before version 17 LOCK TABLE wants rights to change rows, which we gave up; an ALTER by the owner locks as well.
  await sql.raw(fenceSql(name)).execute(trx);
  const { rows } = await sql
    .raw<{ filled: boolean }>(`SELECT EXISTS (SELECT FROM ${name}) AS filled`)
    .execute(trx);
  const filled = rows[0]?.filled ?? true;
  await sql.raw(filled ? `ALTER TABLE ${name} DROP CONSTRAINT ${CLOSED}` : `DROP TABLE ${name}`).execute(trx);
  return !filled;
}

/**
 * Makes PostgreSQL itself refuse every new row of the quarter, from any client, COPY included. NOT VALID: the rows
 * that are there are not looked at, and the planner draws no conclusion from it. When it returns nobody is writing
 * any more, for the lock it needed had to wait for them. What only bears the name of the fence gives way to it.
 */
export async function fencePartitions(
  db: Db,
  tables: readonly QuarterTable[],
  quarter: string,
  options: PartitionLockOptions,
): Promise<void> {
  const replaceSql = (name: string) => `${unfenceSql(name)};\n${fenceSql(name)}`;
  await alterPartitions(db, tables, quarter, options, replaceSql);
}

/**
 * Keeps writers out of the quarter's partitions of these tables, and lets readers in, to the end of the caller's
 * transaction. Before version 17 LOCK TABLE wants rights to change rows, which we gave up; this ALTER takes the same
 * lock and changes nothing as long as no trigger is switched off.
 *
 * @throws AppError conflict/trigger_disabled
 */
export async function holdWriters(trx: Trx, tables: readonly QuarterTable[], quarter: string): Promise<void> {
  const names = tables.map((table) => partitionSql(table, quarter));
  const { rows } = await sql<{ name: string }>`
    SELECT t.tgrelid::regclass::text || ' ' || t.tgname AS name
    FROM pg_catalog.pg_trigger AS t
    WHERE t.tgrelid = ANY (SELECT to_regclass(name) FROM unnest(${names}::text[]) AS name)
      AND NOT t.tgisinternal AND t.tgenabled <> 'O'`.execute(trx);
  if (rows.length > 0) {
    const detail = `Somebody put a trigger there and switched it off: ${rows.map(({ name }) => name).join(', ')}. Drop it first.`;
    throw new AppError('conflict', 'trigger_disabled', detail);
  }
  await sql.raw(names.map((name) => `ALTER TABLE ${name} ENABLE TRIGGER USER;`).join('\n')).execute(trx);
}

function unfenceSql(name: string): string {
  return `ALTER TABLE ${name} DROP CONSTRAINT IF EXISTS ${CLOSED}`;
}

/** Lets rows in again: the undo of a close that found something wrong. */
export async function unfencePartitions(
  db: Db,
  tables: readonly QuarterTable[],
  quarter: string,
  options: PartitionLockOptions,
): Promise<void> {
  await alterPartitions(db, tables, quarter, options, unfenceSql);
}

/**
 * Takes an attached partition out of its table without keeping any reader or writer waiting: the wait is all ours,
 * for those who began before us. Interrupted, it leaves the detach pending, to be finalised.
 *
 * @param session a direct connection outside any transaction
 * @throws AppError busy/detach_pending while another partition of the table has a pending detach
 */
export async function detachPartition(
  session: Db,
  table: QuarterTable,
  quarter: string,
  options: DetachOptions,
): Promise<void> {
  const detach = `ALTER TABLE ${identifier(table.schema, table.name)} DETACH PARTITION ${partitionSql(table, quarter)}`;
  const relations = relationsOf(table, partitionName(table, quarter));
  if (!options.hasDefault) {
    try {
      return await withLongStatements(session, { ...options, relations }, async () => {
        await sql.raw(`${detach} CONCURRENTLY`).execute(session);
      });
    } catch (error) {
      const state = sqlState(error instanceof AppError ? error.cause : error);
      if (state === '55000') {
        const detail = `Another partition of ${table.schema}.${table.name} is being detached. Try again when that is done.`;
        throw new AppError('busy', 'detach_pending', detail, { cause: error });
      }
      // 0A000 is said by servers that do not know it, such as Citus.
      if (state !== '0A000') throw error;
    }
  }
  // The plain form locks the whole table, so it may only have a moment.
  await withShortLock(session, (trx) => sql.raw(detach).execute(trx), { ...options, relations });
}

/** Ends an interrupted detach. Waits for every transaction that might still see the partition. */
export async function finalizeDetach(
  session: Db,
  table: QuarterTable,
  partition: { readonly schema: string; readonly name: string },
  options: Omit<DetachOptions, 'hasDefault'>,
): Promise<void> {
  const relations = relationsOf(table, partition.name);
  await withLongStatements(session, { ...options, relations }, async () => {
    const parent = identifier(table.schema, table.name);
    const child = identifier(partition.schema, partition.name);
    await sql.raw(`ALTER TABLE ${parent} DETACH PARTITION ${child} FINALIZE`).execute(session);
  });
}

const CLOSED = identifier(CLOSED_CONSTRAINT);

/** All partitions in one transaction: a quarter is never half fenced. */
async function alterPartitions(
  db: Db,
  tables: readonly QuarterTable[],
  quarter: string,
  options: PartitionLockOptions,
  statementOf: (name: string) => string,
): Promise<void> {
  const statements = tables.map((table) => statementOf(partitionSql(table, quarter)));
  if (statements.length === 0) return;
  await withShortLock(db, (trx) => sql.raw(statements.join(';\n')).execute(trx), {
    ...options,
    relations: tables.map((table) => [table.schema, partitionName(table, quarter)]),
  });
}

/** The quarter's partition of a table, quoted. */
export function partitionSql(table: QuarterTable, quarter: string): string {
  return identifier(table.schema, partitionName(table, quarter));
}

function relationsOf(table: QuarterTable, partition: string): [string, string][] {
  return [
    [table.schema, table.name],
    [table.schema, partition],
  ];
}

/** A role of a grant; PUBLIC is the empty one. */
export function roleSql(role: string): string {
  return role === '' ? 'PUBLIC' : identifier(role);
}
