import { existsSync } from 'node:fs';
import { mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { withWorkDirectory, writeFailure } from '../../src/archive/work-directory.ts';
import { isAppError } from '../../src/core/errors.ts';
import { inDirectory } from './books.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** A directory in `temporary`, last heard of that many minutes ago. */
async function leave(temporary: string, name: string, minutes: number): Promise<void> {
  const directory = join(temporary, name);
  await mkdir(directory);
  const heard = new Date((await stat(directory)).mtimeMs - minutes * 60_000);
  await writeFile(join(directory, 'alive'), '.');
  await utimes(join(directory, 'alive'), heard, heard);
}

describe('a work directory', () => {
  it('is there for the action and gone afterwards, however that ends', async () => {
    let place = '';
    await withWorkDirectory(async (directory) => {
      place = directory;
      await writeFile(join(directory, 'x'), 'x');
    });
    expect(existsSync(place)).toBe(false);
    const failing = withWorkDirectory(async (directory) => {
      place = directory;
      throw new Error('no luck');
    });
    await expect(failing).rejects.toThrow('no luck');
    expect(existsSync(place)).toBe(false);
  });

  it('is swept when its owner died, and left alone while it lives', async () => {
    await inDirectory(async (temporary) => {
      vi.stubEnv('TMPDIR', temporary);
      await leave(temporary, 'quartermaster-archive-dead', 30);
      await leave(temporary, 'quartermaster-archive-busy', 5);
      await leave(temporary, 'somebody-else', 3000);
      await mkdir(join(temporary, 'quartermaster-archive-just-made'));
      const seen = await withWorkDirectory(async (own) =>
        (await readdir(temporary)).filter((name) => !own.endsWith(name)),
      );
      expect(seen.sort()).toEqual([
        'quartermaster-archive-busy',
        'quartermaster-archive-just-made',
        'somebody-else',
      ]);
    });
  });

  it('tells want of room from what else may go wrong', () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    expect(isAppError(writeFailure(full), 'no_room')).toBe(true);
    const other = new Error('something else');
    expect(writeFailure(other)).toBe(other);
  });
});
