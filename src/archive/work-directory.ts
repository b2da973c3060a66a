import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../core/errors.ts';

const PREFIX = 'quartermaster-archive-';

/** The file in a work directory that its owner writes again and again while it lives. */
const ALIVE = 'alive';
const BEAT_MS = 30_000;

/** An owner that has not been heard of for so long is dead. */
const DEAD_MS = 20 * BEAT_MS;

/**
 * Runs `action` with a directory of its own below `parent`, the system's (TMPDIR) unless told otherwise, which is gone
 * afterwards. What killed processes left there is removed on the way. They are known by their silence, not by their
 * process ids: containers that share a directory do not share those.
 */
export async function withWorkDirectory<T>(
  action: (directory: string) => Promise<T>,
  parent: string = tmpdir(),
): Promise<T> {
  const directory = await mkdtemp(join(parent, PREFIX));
  const alive = join(directory, ALIVE);
  const beat = () => writeFile(alive, '.').catch(() => {});
  const beating = setInterval(beat, BEAT_MS).unref();
  try {
    await beat();
    await sweep(parent, (await stat(directory)).mtimeMs);
    return await action(directory);
  } finally {
    clearInterval(beating);
    await rm(directory, { recursive: true, force: true });
  }
}

/** @param now by the clock of the disk, which is the one the others' files were written by */
async function sweep(parent: string, now: number): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(PREFIX)) continue;
    const directory = join(parent, name);
    const heard = (
      await stat(join(directory, ALIVE))
        .catch(() => stat(directory))
        .catch(() => undefined)
    )?.mtimeMs;
    if (heard === undefined || now - heard < DEAD_MS) continue;
    // Another user's, or swept by somebody else this moment: not ours to worry about.
    await rm(directory, { recursive: true, force: true }).catch(() => {});
  }
}

/** The failure of a write into the directory: want of room is the operator's to mend, all else as it came. */
export function writeFailure(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  const detail = `There is no room left in ${tmpdir()} for temporary files. Make some, or set TMPDIR to a directory that has it.`;
  return new AppError('unavailable', 'no_room', detail, { cause: error });
}
