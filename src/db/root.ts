import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assert } from '../core/errors.ts';

/** The package's own directory, found from the sources and from the built image alike. */
export function packageRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json'))) {
    assert(dirname(directory) !== directory, 'package.json is missing above the sources');
    directory = dirname(directory);
  }
  return directory;
}
