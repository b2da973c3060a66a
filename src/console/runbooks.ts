import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../db/root.ts';

const ENDING = '.md';

/**
 * The pages that lead through what a check or an alert asks for, by their names: `horizon` for docs/runbooks/horizon.md. All are
 * read at once, so that a name which somebody asks for never becomes a path. An install without them has none.
 */
export async function readRunbooks(
  folder = join(packageRoot(), 'docs', 'runbooks'),
): Promise<ReadonlyMap<string, string>> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return new Map(
    await Promise.all(
      names
        .filter((name) => name.endsWith(ENDING))
        .map(
          async (name) =>
            [name.slice(0, -ENDING.length), await readFile(join(folder, name), 'utf8')] as const,
        ),
    ),
  );
}
