import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CompiledQuery, sql } from 'kysely';
import { packageRoot } from '../../src/db/root.ts';
import type { Db, Trx } from '../../src/db/schema.ts';

/** How PostgreSQL plans a prepared statement: for the parameters it is given, or once for all. */
export const modes = ['force_custom_plan', 'force_generic_plan'] as const;
export type Mode = (typeof modes)[number];

/** What EXPLAIN says of a step of a plan, as far as it is looked at here. */
export interface Node {
  readonly [fact: string]: unknown;
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly 'Rows Removed by Join Filter'?: number;
  readonly 'Heap Fetches'?: number;
  readonly 'Conflict Arbiter Indexes'?: readonly string[];
  readonly 'Shared Hit Blocks'?: number;
  readonly 'Shared Read Blocks'?: number;
  readonly Plans?: readonly Node[];
}

/** What a statement did to the rows of a table, as `3 inserted`, in a fixed order. */
export type Writes = Readonly<Record<string, string>>;

export interface Examined {
  readonly root: Node;
  /** What the index of a partition is called in the table it is a part of. */
  readonly parents: ReadonlyMap<string, string>;
  /** By the names of tables; a partition by its own. */
  readonly writes: Writes;
}

/** A statement of sql/queries, or one that a builder makes. */
export type Statement = string | { readonly sql: string; readonly parameters: readonly unknown[] };

/**
 * Runs a statement in a transaction that is rolled back, after what is prepared for it there. One that changes nothing is run twice and
 * looked at the second time, when the session knows the catalog.
 */
export async function examine(
  db: Db,
  mode: Mode,
  statement: Statement,
  parameters: readonly unknown[],
  { prepare, changes }: { prepare?: ((trx: Trx) => Promise<unknown>) | undefined; changes: boolean },
): Promise<Examined> {
  const made =
    typeof statement === 'string' ? { sql: await readStatement(statement), parameters } : statement;
  const trx = await db.startTransaction().execute();
  try {
    await sql`SELECT set_config('TimeZone', 'UTC', true)`.execute(trx);
    await prepare?.(trx);
    const before = await counters(trx);
    const root = await explain(trx, mode, made.sql, made.parameters, changes ? 1 : 2);
    const writes = differences(before, await counters(trx));
    return { root, parents: await parentIndexes(trx), writes };
  } finally {
    await trx.rollback().execute();
  }
}

export async function readStatement(name: string): Promise<string> {
  return readFile(join(packageRoot(), 'sql', 'queries', `${name}.sql`), 'utf8');
}

/** EXECUTE takes its parameters as literals, whose types are those of the casts in the statement. */
async function explain(
  trx: Trx,
  mode: Mode,
  text: string,
  parameters: readonly unknown[],
  times: number,
): Promise<Node> {
  const run = (statement: string) => trx.executeQuery<Record<string, unknown>>(CompiledQuery.raw(statement));
  await run(`SET LOCAL plan_cache_mode = ${mode}`);
  await run(`PREPARE examined AS ${text}`);
  const values = parameters.length === 0 ? '' : `(${parameters.map(literal).join(', ')})`;
  try {
    const explained = `EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE examined${values}`;
    for (let time = 1; time < times; time++) await run(explained);
    const { rows } = await run(explained);
    return (rows as unknown as [{ 'QUERY PLAN': [{ Plan: Node }] }])[0]['QUERY PLAN'][0].Plan;
  } finally {
    await run('DEALLOCATE examined').catch(() => {});
  }
}

function literal(value: unknown): string {
  if (value === null) return 'NULL';
  const text = Array.isArray(value) ? `{${value.map(element).join(',')}}` : textOf(value);
  return `'${text.replaceAll("'", "''")}'`;
}

function element(value: unknown): string {
  return value === null ? 'NULL' : `"${textOf(value).replace(/["\\]/g, '\\$&')}"`;
}

function textOf(value: unknown): string {
  return value instanceof Date ? value.toISOString() : String(value);
}

async function parentIndexes(trx: Trx): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql<{ child: string; parent: string }>`
    SELECT c.relname AS child, p.relname AS parent
    FROM pg_catalog.pg_inherits AS i
    JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid AND c.relkind = 'i'
    JOIN pg_catalog.pg_class AS p ON p.oid = i.inhparent`.execute(trx);
  return new Map(rows.map(({ child, parent }) => [child, parent]));
}

interface Counters {
  readonly name: string;
  readonly inserted: number;
  readonly updated: number;
  /** Of the updates, those that touched no index. */
  readonly hot: number;
  readonly deleted: number;
}

/** What this transaction has done so far: EXPLAIN names the table an INSERT goes to, and not its partition. */
async function counters(trx: Trx): Promise<readonly Counters[]> {
  const { rows } = await sql<Counters>`
    SELECT s.relname AS name, s.n_tup_ins::integer AS inserted, s.n_tup_upd::integer AS updated,
           s.n_tup_hot_upd::integer AS hot, s.n_tup_del::integer AS deleted
    FROM pg_catalog.pg_stat_xact_user_tables AS s
    WHERE s.n_tup_ins + s.n_tup_upd + s.n_tup_del > 0
    ORDER BY s.relname`.execute(trx);
  return rows;
}

function differences(before: readonly Counters[], after: readonly Counters[]): Writes {
  const found: Record<string, string> = {};
  for (const { name, ...now } of after) {
    const then = before.find((one) => one.name === name);
    const done = (['inserted', 'updated', 'hot', 'deleted'] as const)
      .map((what) => [now[what] - (then?.[what] ?? 0), what] as const)
      .filter(([count]) => count > 0)
      .map(([count, what]) => `${count} ${what}`);
    if (done.length > 0) found[name] = done.join(', ');
  }
  return found;
}
