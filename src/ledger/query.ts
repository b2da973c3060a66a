import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CompiledQuery } from 'kysely';
import { packageRoot } from '../db/root.ts';
import type { Db } from '../db/schema.ts';

/** A statement kept in `sql/queries`. Never a named one: behind a transaction pooler the next call meets another session. */
export type Query<Row> = (db: Db, parameters: readonly unknown[]) => Promise<Row[]>;

/** Reads `sql/queries/<name>.sql` once; the rows it gives are the caller's word. */
export function query<Row>(name: string): Query<Row> {
  const text = readFileSync(join(packageRoot(), 'sql', 'queries', `${name}.sql`), 'utf8');
  return async (db, parameters) => {
    const { rows } = await db.executeQuery<Row>(CompiledQuery.raw(text, [...parameters]));
    return rows;
  };
}
