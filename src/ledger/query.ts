import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CompiledQuery } from 'kysely';
import { packageRoot } from '../db/root.ts';
import type { Db } from '../db/schema.ts';

/** A statement kept in `sql/queries`. Never a named one: behind a transaction pooler the next call meets another session. */
export type Query<Row> = (db: Db, parameters: readonly unknown[]) => Promise<Row[]>;

/** Reads `sql/queries/<name>.sql` once; the rows it gives are the caller's word. */
export function query<Row>(name: string): Query<Row> {
  return statement<Row>(readStatement(name));
}

/** Counts the rows that the statement of that name would give: what a list holds and what is counted cannot differ. */
export function countQuery(name: string): (db: Db, parameters: readonly unknown[]) => Promise<number> {
  const text = `SELECT count(*)::integer AS found FROM (\n${readStatement(name)}\n) AS listed`;
  const count = statement<{ found: number }>(text);
  return async (db, parameters) => (await count(db, parameters))[0]?.found ?? 0;
}

function readStatement(name: string): string {
  return readFileSync(join(packageRoot(), 'sql', 'queries', `${name}.sql`), 'utf8');
}

function statement<Row>(text: string): Query<Row> {
  return async (db, parameters) => {
    const { rows } = await db.executeQuery<Row>(CompiledQuery.raw(text, [...parameters]));
    return rows;
  };
}
