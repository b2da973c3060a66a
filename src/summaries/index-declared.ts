import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { quarterTables } from '../core/tables.ts';
import { parseIndexFile } from '../db/index-file.ts';
import { migrationDirectory, readMigration, readMigrationFiles } from '../db/migration-files.ts';
import { packageRoot } from '../db/root.ts';
import type { Db } from '../db/schema.ts';

/** An index that has to be there, because a migration that has run made it or a query rests on it. */
export interface DeclaredIndex {
  readonly name: string;
  /** Unknown of a key, which is made with its table. */
  readonly schema: string | undefined;
  readonly table: string | undefined;
  /** The migration that builds it, as a path that `quartermaster indexes build` finds. */
  readonly file: string | undefined;
  /** Of the primary key of a partitioned table. */
  readonly key: readonly string[] | undefined;
  /** The statements in `sql/queries` that are slow, or wrong, without it. */
  readonly queries: readonly string[];
}

/** The indexes of the migrations that this database has, and the keys that queries rest on. */
export async function readDeclared(db: Db): Promise<DeclaredIndex[]> {
  const { rows } = await sql<{ name: string }>`SELECT name FROM quartermaster.migrations`.execute(db);
  const applied = new Set(rows.map(({ name }) => name));
  const directory = migrationDirectory();
  const queries = await readQueryIndexes();
  const declared = new Map<string, DeclaredIndex>();
  for (const { schema, name, key } of quarterTables) {
    const index = `${name}_pkey`;
    declared.set(index, {
      name: index,
      schema,
      table: name,
      key,
      file: undefined,
      queries: queries.get(index) ?? [],
    });
  }
  for (const { name, kind, file } of await readMigrationFiles(directory)) {
    if (!applied.has(name)) continue;
    const text = await readMigration(directory, file);
    if (kind === 'up') {
      // What a later migration drops is declared no more.
      for (const [, dropped = ''] of text.matchAll(/\bDROP\s+INDEX\s+(?:IF\s+EXISTS\s+)?(?:\w+\.)?(\w+)/gi))
        declared.delete(dropped);
      continue;
    }
    for (const index of parseIndexFile(text, file)) {
      const { schema, table } = index;
      declared.set(index.name, {
        name: index.name,
        schema,
        table,
        key: undefined,
        file: `sql/migrations/${file}`,
        queries: queries.get(index.name) ?? [],
      });
    }
  }
  for (const [name, users] of queries) {
    if (declared.has(name) || !name.endsWith('_pkey')) continue;
    declared.set(name, {
      name,
      schema: undefined,
      table: undefined,
      key: undefined,
      file: undefined,
      queries: users,
    });
  }
  return [...declared.values()];
}

/** Which statements of `sql/queries` rest on each index, by their first line: `-- Indexes: entries_pkey, transactions_pkey`. */
export async function readQueryIndexes(): Promise<Map<string, string[]>> {
  const directory = join(packageRoot(), 'sql', 'queries');
  const users = new Map<string, string[]>();
  for (const file of (await readdir(directory)).sort()) {
    if (!file.endsWith('.sql')) continue;
    const text = await readFile(join(directory, file), 'utf8');
    for (const name of indexesNamed(text) ?? []) {
      users.set(name, [...(users.get(name) ?? []), file.slice(0, -'.sql'.length)]);
    }
  }
  return users;
}

/** The indexes that the first line names; none for `-- Indexes: none`, undefined without such a line. */
export function indexesNamed(text: string): string[] | undefined {
  const [, names] = /^-- Indexes: (none|\w+(?:, \w+)*)$/m.exec(text.slice(0, text.indexOf('\n'))) ?? [];
  if (names === undefined) return undefined;
  return names === 'none' ? [] : names.split(', ');
}
