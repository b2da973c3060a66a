import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
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
  const claim = randomUUID();
  const mine = `${path}.${claim}`;
  const content = JSON.stringify({ pid: process.pid, began: beganAt(process.pid), claim });
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
 * Ends the PostgreSQL that a killed owner left behind on `data`: in order, and when it does not end, at once. So too the
 * sessions of a postmaster that was killed itself: one that is computing does not notice, and while it holds the
 * shared memory no other server starts. Called only by the owner of the directory, so nobody uses it through us.
 *
 * @throws AppError busy/postgres_does_not_end
 */
export async function endOrphans(data: string, log: (line: string) => void): Promise<void> {
  const pidFile = join(data, 'postmaster.pid');
  const postmaster = Number.parseInt(readOrNothing(pidFile), 10);
  const left = serverProcesses(data, postmaster);
  if (left.length > 0) {
    log(`Ending PostgreSQL (process ${left[0]}), left behind by a process that was killed.`);
    const isGone = () => serverProcesses(data, postmaster).length === 0;
    if (left.includes(postmaster)) send('SIGINT', [postmaster]);
    if (!left.includes(postmaster) || !(await within(10, isGone))) {
      send('SIGQUIT', serverProcesses(data, postmaster));
      if (!(await within(10, isGone))) {
        const detail = `PostgreSQL on ${data} was left behind by a process that was killed, and does not end. End it with kill -9 ${serverProcesses(data, postmaster).join(' ')}.`;
        throw new AppError('busy', 'postgres_does_not_end', detail);
      }
    }
  }
  // The number in it may belong to any process by now, which PostgreSQL would take for its predecessor.
  rmSync(pidFile, { force: true });
}

/**
 * The processes of the server on `data`, the postmaster first. All of them stand in that directory; where the system
 * does not tell that, only the postmaster is found, whose command names it.
 */
function serverProcesses(data: string, postmaster: number): number[] {
  if (process.platform === 'linux') {
    const pids = readdirSync('/proc').map(Number).filter(Boolean);
    const ours = pids.filter((pid) => {
      const isPostgres = basename(linkOrNothing(`/proc/${pid}/exe`)).startsWith('postgres');
      return isPostgres && linkOrNothing(`/proc/${pid}/cwd`) === data;
    });
    return ours.sort((a, b) => Number(b === postmaster) - Number(a === postmaster));
  }
  if (Number.isNaN(postmaster)) return [];
  return ps('command', postmaster).includes(data) ? [postmaster] : [];
}

function send(signal: NodeJS.Signals, pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      // It ended since it was looked at, which is all that is wanted.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

async function within(seconds: number, isSo: () => boolean): Promise<boolean> {
  const elapsed = stopwatch();
  while (!isSo()) {
    if (elapsed() > seconds) return false;
    await pause(25);
  }
  return true;
}

/** When process `pid` began, in words only to be compared; undefined when it is not alive. */
function beganAt(pid: number): string | undefined {
  if (process.platform !== 'linux') return ps('lstart', pid) || undefined;
  // The second field is the command in parentheses and may hold anything; the third is the state, the 22nd the
  // start in ticks since boot (proc_pid_stat(5)). A zombie is dead, though nobody has buried it.
  const fields = readOrNothing(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? [];
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

/** A field of a process as ps(1) prints it; nothing when there is no such process. */
function ps(field: string, pid: number): string {
  try {
    return execFileSync('ps', ['-o', `${field}=`, '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return '';
  }
}

function linkOrNothing(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
