import type pg from 'pg';
import { AppError } from '../core/errors.ts';
import type { Router, ServerRole } from './routing.ts';
import { isTransient, sqlState, toAppError } from './sqlstate.ts';

/** A query somebody made up, and what it may take. */
export interface AdHocQuery {
  /** One SELECT, VALUES, TABLE or WITH. */
  readonly sql: string;
  readonly maxRows: number;
  readonly timeoutMs: number;
  /** The planner's cost from which on the replica is asked, where there is one that is well. */
  readonly costLimit: number;
  readonly signal?: AbortSignal | undefined;
}

/** A value as exact as PostgreSQL prints it: what a double does not hold is text. */
export type Cell = string | number | boolean | null;

export interface AdHocResult {
  /** Types by PostgreSQL's names, as `numeric(12,2)`. */
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly Cell[])[];
  /** True when there are more rows than were asked for. */
  readonly truncated: boolean;
  readonly server: ServerRole;
  /** As the planner of the primary estimated it. */
  readonly cost: number;
}

/**
 * Runs one query in a read-only transaction that is rolled back: cheap ones on the primary, dear ones on the replica.
 *
 * There is no way out of the transaction: the text goes by the extended protocol, which takes one statement, and as the query of
 * a cursor, which can be nothing but a query; and once a snapshot is taken PostgreSQL lets nobody make the
 * transaction writable. A role that may call functions with effects outside of transactions may still do that.
 *
 * @throws AppError invalid/query_refused with PostgreSQL's reason, busy/statement_canceled after `timeoutMs`
 */
export async function runQuery(router: Router, query: AdHocQuery): Promise<AdHocResult> {
  const { sql, costLimit } = query;
  // A text of PostgreSQL's protocol ends there, and what follows would be taken for something else.
  if (sql.includes('\0')) throw refused('it holds a NUL character');
  try {
    const cost = await router.report('primary', query, (client) => estimate(client, sql));
    const wanted: ServerRole = cost >= costLimit ? 'replica' : 'primary';
    return await router.report(wanted, query, async (client, server) => {
      return { ...(await fetchRows(client, query)), server, cost };
    });
  } catch (error) {
    throw asRefusal(error, query);
  }
}

const EXPLAIN = 'EXPLAIN (FORMAT JSON) ';
const DECLARE = 'DECLARE report NO SCROLL CURSOR FOR ';

async function estimate(client: pg.ClientBase, sql: string): Promise<number> {
  const { rows } = await client.query<[string]>(single(EXPLAIN + sql));
  const [explained] = JSON.parse(rows[0]?.[0] ?? '[]') as { Plan?: { 'Total Cost': number } }[];
  // What has no plan (CREATE, SET) costs nothing: the cursor will refuse it.
  return explained?.Plan?.['Total Cost'] ?? 0;
}

async function fetchRows(
  client: pg.ClientBase,
  query: AdHocQuery,
): Promise<Pick<AdHocResult, 'columns' | 'rows' | 'truncated'>> {
  try {
    await client.query(single(DECLARE + query.sql));
    const { fields, rows } = await client.query<Cell[]>(single(`FETCH ${query.maxRows + 1} FROM report`));
    const types = await client.query<{ name: string }>(
      `SELECT format_type(t.oid, t.modifier) AS name
       FROM unnest($1::oid[], $2::int[]) WITH ORDINALITY AS t (oid, modifier, number) ORDER BY t.number`,
      [fields.map((field) => field.dataTypeID), fields.map((field) => field.dataTypeModifier)],
    );
    return {
      columns: fields.map(({ name }, i) => ({ name, type: types.rows[i]?.name ?? '?' })),
      rows: rows.slice(0, query.maxRows),
      truncated: rows.length > query.maxRows,
    };
  } catch (error) {
    // What took too long or too much on the replica must not be tried on the primary.
    throw /^(57014|53...)$/.test(sqlState(error) ?? '') ? asRefusal(error, query) : error;
  }
}

/** The extended protocol takes one statement; node-postgres would send a text without parameters by the simple one. */
function single(text: string): pg.QueryArrayConfig {
  return Object.assign(
    { text, rowMode: 'array' as const, types: { getTypeParser } },
    { queryMode: 'extended' },
  );
}

/** By type: bool, int2, int4, oid, float4, float8. Everything else is text, as PostgreSQL prints it. */
const PARSERS: Readonly<Record<number, (text: string) => Cell>> = {
  16: (text) => text === 't',
  21: Number,
  23: Number,
  26: Number,
  700: finiteOrText,
  701: finiteOrText,
};

function getTypeParser(oid: number): (text: string) => Cell {
  return PARSERS[oid] ?? ((text) => text);
}

/** JSON knows no NaN and no infinity. */
function finiteOrText(text: string): number | string {
  return Number.isFinite(Number(text)) ? Number(text) : text;
}

function asRefusal(error: unknown, { timeoutMs }: AdHocQuery): AppError {
  if (error instanceof AppError) return error;
  const state = sqlState(error);
  if (state === '57014') {
    const detail = `The query took longer than ${timeoutMs / 1000} s and was ended. Narrow it, or give it more time.`;
    return new AppError('busy', 'statement_canceled', detail);
  }
  // A text with a parameter in it is a violation of the protocol, and no lost connection.
  if (state === undefined || (isTransient(error) && state !== '08P01')) return toAppError(error);
  return refused((error as Error).message);
}

function refused(why: string): AppError {
  const detail = `The query is refused: ${why}. Write one SELECT, VALUES, TABLE or WITH that changes nothing.`;
  return new AppError('invalid', 'query_refused', detail);
}
