import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from './root.ts';

/** A migration by its files in a directory. */
export interface MigrationFile {
  readonly name: string;
  /**
   * `up`: any statements, run in a transaction. `build`: nothing but indexes, built outside of one, so that nobody waits for
   * them.
   */
  readonly kind: 'up' | 'build';
  /** Of the file, below the directory. */
  readonly file: string;
}

export function migrationDirectory(): string {
  return join(packageRoot(), 'sql', 'migrations');
}

/** All migrations in their order. */
export async function readMigrationFiles(directory: string): Promise<MigrationFile[]> {
  const files = (await readdir(directory)).sort();
  return files.flatMap((file) => {
    const [, name, kind] = /^(.+)\.(up|build)\.sql$/.exec(file) ?? [];
    return name === undefined ? [] : [{ name, kind: kind as MigrationFile['kind'], file }];
  });
}

/** The number of a migration, by which versions are compared: 0023 of 0023_operation. */
export function numberOf(name: string): string {
  return /^\d+/.exec(name)?.[0] ?? '';
}

/**
 * What a migration says of the code that runs beside it, in a line of its own: `-- Oldest code: 0021` means that a version
 * that does not know migration 0021 cannot live with what this one takes away. One that only adds says nothing.
 */
export function oldestCodeOf(text: string): string | undefined {
  return /^-- Oldest code: (\d{4})$/m.exec(text)?.[1];
}

export function readMigration(directory: string, file: string): Promise<string> {
  return readFile(join(directory, file), 'utf8');
}
