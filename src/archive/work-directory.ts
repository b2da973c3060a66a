import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../core/errors.ts';

const PREFIX = 'quartermaster-archive-';

/**
 * Runs `action` with a directory of its own below the system's (TMPDIR), which is gone afterwards. What killed
 * processes left there is removed on the way.
 */
export async function withWorkDirectory<T>(action: (directory: string) => Promise<T>): Promise<T> {
  await sweep();
  const directory = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`));
  try {
    return await action(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function sweep(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = name.startsWith(PREFIX) ? Number.parseInt(name.slice(PREFIX.length), 10) : Number.NaN;
    if (Number.isNaN(pid) || !(await isLeft(pid, join(tmpdir(), name)))) continue;
    // Another user's, or swept by somebody else this moment: not ours to worry about.
    await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => {});
  }
}

/** True when the process that made the directory is gone. In a container our own pid may have been another's before. */
async function isLeft(pid: number, directory: string): Promise<boolean> {
  if (pid === process.pid) {
    const made = await stat(directory).catch(() => undefined);
    return made !== undefined && made.birthtimeMs < performance.timeOrigin;
  }
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** The failure of a write into the directory: want of room is the operator's to mend, all else as it came. */
export function writeFailure(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  const detail = `There is no room left in ${tmpdir()} for temporary files. Make some, or set TMPDIR to a directory that has it.`;
  return new AppError('unavailable', 'no_room', detail, { cause: error });
}
