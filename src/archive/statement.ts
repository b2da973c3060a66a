import { isAppError } from '../core/errors.ts';
import { type Duck, queryRefused } from './duckdb.ts';

/** What a query reads, by the parse of DuckDB itself. */
export interface ParsedQuery {
  /** Names of tables and views, in lower case; of those of an archive also where a CTE has the name. */
  readonly tables: ReadonlySet<string>;
  /** It asks which tables there are, as SHOW TABLES does. */
  readonly asksForTables: boolean;
}

/** The table functions that make rows of what the query itself gives them. */
const harmless = new Set(['generate_series', 'json_each', 'json_tree', 'range', 'repeat', 'unnest']);

/** The functions of a SELECT list that leave a trace. */
const leavingTraces = new Set(['write_log']);

/**
 * Parses a query and refuses functions it has no use for. The fence keeps them from every file that is not the
 * archives' own; but there are some that a SELECT may call and that change how the process behaves (`enable_logging`,
 * `enable_profiling`), or that hide another query in a text (`query`), so what is not known to be harmless is refused.
 *
 * @throws AppError invalid/query_refused
 */
export async function parseQuery(duck: Duck, sql: string): Promise<ParsedQuery> {
  // A text of DuckDB's C interface ends there, and what follows would not be looked at.
  if (sql.includes('\0')) throw queryRefused('it holds a NUL character');
  const rows = await duck
    .rows<{ parsed: string }>('SELECT json_serialize_sql($sql::VARCHAR) AS parsed', { sql })
    .catch((error: unknown) => {
      throw isAppError(error, 'duckdb_failed') ? queryRefused(error.detail) : error;
    });
  const parsed = JSON.parse(rows[0]?.parsed ?? '{}') as {
    error: boolean;
    error_message?: string;
    statements?: unknown[];
  };
  if (parsed.error) throw queryRefused(parsed.error_message ?? 'it cannot be parsed');
  if (parsed.statements?.length !== 1) throw queryRefused(`it has ${parsed.statements?.length} statements`);

  const tables = new Set<string>();
  let asksForTables = false;
  // Not by recursion: how deep a query nests is up to who writes it.
  const nodes: unknown[] = [...parsed.statements];
  for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
    if (typeof node !== 'object' || node === null) continue;
    for (const child of Object.values(node)) nodes.push(child);
    const { type, table_name, query, function_name } = node as Record<string, unknown>;
    if (type === 'BASE_TABLE') tables.add(String(table_name).toLowerCase());
    if (type === 'SHOW_REF' && query === null) asksForTables = true;
    if (type === 'TABLE_FUNCTION') requireHarmless(node as TableFunction);
    if (leavingTraces.has(String(function_name).toLowerCase()))
      throw queryRefused(`it calls ${function_name}`);
  }
  return { tables, asksForTables };
}

interface TableFunction {
  readonly function?: { readonly function_name?: string };
}

function requireHarmless(node: TableFunction): void {
  const name = node.function?.function_name;
  if (name !== undefined && harmless.has(name.toLowerCase())) return;
  throw queryRefused(`it reads from ${name ?? 'a function'}()`);
}
