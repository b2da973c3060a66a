import { sql } from 'kysely';
import { assert } from '../core/errors.ts';
import { identifier } from './identifier.ts';
import type { Db } from './schema.ts';

/** A relation by schema and name, unquoted. */
export type Relation = readonly [schema: string, name: string];

/** An index of a table, and what another table has for it. */
export interface IndexNeed {
  readonly isUnique: boolean;
  /** `btree (ledger_id, …)`, as PostgreSQL prints it behind USING. */
  readonly definition: string;
  /** The constraint that it keeps on the first table. */
  readonly constraint: 'PRIMARY KEY' | 'UNIQUE' | undefined;
  /** The name of a valid index of the same definition on the second table. */
  readonly found: string | undefined;
  /** The second table has the constraint as well, or needs none. */
  readonly isWhole: boolean;
}

/** What a sort for an index may take in the server's memory; where more is configured it stays. */
const SORT_MB = 256;

const constraintNames: Readonly<Record<string, IndexNeed['constraint']>> = { p: 'PRIMARY KEY', u: 'UNIQUE' };

/** Holds the indexes of one table against those of another that is to be attached to it. */
export async function readIndexNeeds(db: Db, model: Relation, table: Relation): Promise<IndexNeed[]> {
  const { rows } = await sql<{
    of_model: boolean;
    name: string;
    is_unique: boolean;
    definition: string;
    constraint_type: string | null;
  }>`
    SELECT x.indrelid = m.oid AS of_model, i.relname AS name, x.indisunique AS is_unique,
           -- What stands before it names the index and its table.
           substr(pg_get_indexdef(i.oid), 1 + length(format('CREATE %sINDEX %I ON %s%I.%I USING ',
             CASE WHEN x.indisunique THEN 'UNIQUE ' ELSE '' END, i.relname,
             CASE WHEN t.relkind = 'p' THEN 'ONLY ' ELSE '' END, n.nspname, t.relname))) AS definition,
           o.contype AS constraint_type
    FROM (SELECT to_regclass(${identifier(...model)})::oid AS oid) AS m
    JOIN pg_catalog.pg_index AS x
      ON x.indrelid = m.oid OR (x.indrelid = to_regclass(${identifier(...table)}) AND x.indisvalid)
    JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid
    JOIN pg_catalog.pg_class AS t ON t.oid = x.indrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
    LEFT JOIN pg_catalog.pg_constraint AS o ON o.conindid = i.oid AND o.conrelid = t.oid AND o.contype IN ('p', 'u')
    ORDER BY o.contype NULLS LAST, i.relname`.execute(db);
  const own = rows.filter((row) => !row.of_model);
  return rows
    .filter((row) => row.of_model)
    .map((row) => {
      assert(/^[a-z]+ \(/.test(row.definition), `not the definition of an index: ${row.definition}`);
      const same = own.filter((one) => one.definition === row.definition && one.is_unique === row.is_unique);
      const whole = same.find(
        (one) => row.constraint_type === null || one.constraint_type === row.constraint_type,
      );
      return {
        isUnique: row.is_unique,
        definition: row.definition,
        constraint: constraintNames[row.constraint_type ?? ''],
        found: (whole ?? same[0])?.name,
        isWhole: whole !== undefined,
      };
    });
}

/**
 * Builds the indexes that the table lacks, and looks at its rows for the planner. Readers of the table are not kept out.
 * It has to be a direct connection without a statement timeout. Killed, it leaves nothing half built.
 */
export async function buildIndexes(session: Db, model: Relation, table: Relation): Promise<void> {
  const needs = await readIndexNeeds(session, model, table);
  const on = identifier(...table);
  await session.transaction().execute(async (trx) => {
    await sql`
      SELECT set_config('maintenance_work_mem', ${`${SORT_MB}MB`}, true)
      WHERE pg_size_bytes(current_setting('maintenance_work_mem')) < ${SORT_MB}::bigint * 1024 * 1024`.execute(
      trx,
    );
    for (const { isUnique, definition, found } of needs) {
      if (found !== undefined) continue;
      await sql.raw(`CREATE ${isUnique ? 'UNIQUE ' : ''}INDEX ON ${on} USING ${definition}`).execute(trx);
    }
    await sql.raw(`ANALYZE ${on}`).execute(trx);
  });
}

/**
 * The statements that make constraints of the indexes that are constraints on the other table: they read no row, and
 * lock the table for that moment.
 */
export function constraintsSql(table: Relation, needs: readonly IndexNeed[]): string {
  return needs
    .filter(({ isWhole }) => !isWhole)
    .map(({ constraint, found, definition }) => {
      assert(
        constraint !== undefined && found !== undefined,
        `${table.join('.')} lacks an index ${definition}`,
      );
      return `ALTER TABLE ${identifier(...table)} ADD ${constraint} USING INDEX ${identifier(found)};`;
    })
    .join('\n');
}
