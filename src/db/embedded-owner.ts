import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync, rmSync } from 'node:fs';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stopwatch } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { pause } from '../platform/retry.ts';

/** A process, told apart from a later one of the same number by when it began. */
interface Owner {
  readonly pid: number;
  readonly began: string;
}

/**
 * Makes this process the directory's one owner until it calls what is returned, or dies.
 *
 * @throws AppError busy/already_running which names the living owner
 */
export async function claimDirectory(home: string): Promise<() => void> {
  const path = join(home, 'owner.json');
  const mine = `${path}.${randomUUID()}`;
  const content = JSON.stringify({ pid: process.pid, began: beganAt(process.pid) ?? '' });
  await writeFile(mine, content);
  try {
    // A hard link comes into being whole and only once, which an exclusive create followed by a write does not.
    while (!(await link(mine, path).then(() => true, isTaken))) {
      const seen = await readFile(path, 'utf8').catch(() => '');
      const owner = parseOwner(seen);
      if (owner !== undefined && beganAt(owner.pid) === owner.began) throw alreadyRunning(home, owner.pid);
      await putAside(path, seen);
    }
  } finally {
    await rm(mine, { force: true });
  }
  return () => {
    // Released in a process that may be ending, so at once; and only while it is still ours.
    if (readOrNothing(path) === content) rmSync(path, { force: true });
  };
}

function isTaken(error: NodeJS.ErrnoException): false {
  if (error.code === 'EEXIST') return false;
  throw error;
}

/** Removes a dead owner's file. If another start has put its own there since, that one is put back. */
async function putAside(path: string, seen: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  await rename(path, aside).catch(() => {});
  const moved = await readFile(aside, 'utf8').catch(() => seen);
  if (moved !== seen) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
}

function parseOwner(content: string): Owner | undefined {
  try {
    const { pid, began } = JSON.parse(content);
    return typeof pid === 'number' && typeof began === 'string' ? { pid, began } : undefined;
  } catch {
    return undefined;
  }
}

function alreadyRunning(home: string, pid: number): AppError {
  const detail = `The PostgreSQL in ${home} belongs to process ${pid}, which runs. Stop that process (kill -INT ${pid}), or use another directory.`;
  return new AppError('busy', 'already_running', detail);
}

/**
 * Ends the PostgreSQL that a killed owner left behind on `data`: in order, and when it does not end, at once. Called
 * only by the owner of the directory, so nobody is using it through us.
 *
 * @throws AppError busy/postgres_does_not_end
 */
export async function endOrphan(data: string, log: (line: string) => void): Promise<void> {
  const path = join(data, 'postmaster.pid');
  const pid = Number.parseInt(readOrNothing(path), 10);
  if (Number.isNaN(pid)) return;
  const began = beganAt(pid);
  if (began === undefined || !isPostmasterOf(pid, data)) {
    // Its number may belong to any process now, and PostgreSQL would take that one for its predecessor.
    rmSync(path, { force: true });
    return;
  }
  log(`Ending PostgreSQL (process ${pid}), left behind by a process that was killed.`);
  for (const [signal, seconds] of [
    ['SIGINT', 10],
    ['SIGQUIT', 10],
  ] as const) {
    process.kill(pid, signal);
    const elapsed = stopwatch();
    while (elapsed() < seconds) {
      if (beganAt(pid) !== began) return;
      await pause(25);
    }
  }
  const detail = `PostgreSQL (process ${pid}) on ${data} was left behind by a process that was killed, and does not end. End it with kill -9 ${pid}.`;
  throw new AppError('busy', 'postgres_does_not_end', detail);
}

/** A postmaster stands in its data directory. Where the system does not tell that, its command names the directory. */
function isPostmasterOf(pid: number, data: string): boolean {
  try {
    if (process.platform === 'linux') return readlinkSync(`/proc/${pid}/cwd`) === data;
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).includes(data);
  } catch {
    return false;
  }
}

/** When process `pid` began, in words only to be compared; undefined when it is not alive. */
function beganAt(pid: number): string | undefined {
  try {
    if (process.platform !== 'linux') {
      const began = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
      return began.trim() || undefined;
    }
    // The second field is the command in parentheses and may hold anything; the third is the state, the 22nd the
    // start in ticks since boot (proc_pid_stat(5)). A zombie is dead, though nobody has buried it.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
