import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { onTestFinished } from 'vitest';

/** What a process that owns an embedded server is asked for. */
export interface OwnerOptions {
  readonly directory: string;
  /** Whose `src` it runs; this one's unless given. */
  readonly checkout?: string;
  /** A signal it does nothing about. */
  readonly ignoring?: NodeJS.Signals;
}

export interface ServerOwner {
  readonly child: ChildProcess;
  readonly url: string;
  /** Of the postmaster. */
  readonly pid: number;
}

/**
 * Starts a process that starts a server in the directory, prints where it is, and throws when its input ends. It leads
 * a process group of its own, and is dead when the test ends.
 */
export function launchOwner(options: OwnerOptions): ChildProcess {
  const checkout = options.checkout ?? join(import.meta.dirname, '..', '..');
  const source = join(checkout, 'src', 'db', 'embedded.ts');
  const script = `
    const { startEmbedded } = await import(${JSON.stringify(source)});
    ${options.ignoring ? `process.on('${options.ignoring}', () => {});` : ''}
    const directory = ${JSON.stringify(options.directory)};
    const server = await startEmbedded({ directory, settings: { fsync: 'off' } });
    console.log(JSON.stringify({ url: server.url, pid: server.pid }));
    process.stdin.on('end', () => { throw new Error('uncaught'); }).resume();`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** The same, and returns when the server accepts connections. */
export async function startOwner(options: OwnerOptions): Promise<ServerOwner> {
  const child = launchOwner(options);
  let complaint = '';
  child.stderr?.on('data', (chunk) => {
    complaint += chunk;
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const [line] = await Promise.race([once(lines, 'line'), once(child, 'close').then(() => [undefined])]);
  if (line === undefined) throw new Error(`the owner did not start: ${complaint}`);
  const { url, pid } = JSON.parse(line) as { url: string; pid: number };
  return { child, url, pid };
}

/** Returns while initdb is at work in the directory. */
export async function unfinishedInitdb(directory: string): Promise<void> {
  for (;;) {
    const [unfinished] = (await readdir(directory)).filter((name) => name.startsWith('data.'));
    if (unfinished !== undefined && (await readdir(join(directory, unfinished))).length > 0) return;
    await delay(5);
  }
}

/** Returns when no process stands in a directory whose path begins so. Known on Linux only. */
export async function nobodyIn(path: string): Promise<void> {
  if (process.platform !== 'linux') return;
  while (readdirSync('/proc').some((pid) => /^\d/.test(pid) && standsIn(pid).startsWith(path)))
    await delay(20);
}

function standsIn(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

/** The rows of one statement, on a connection of its own. */
export async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  try {
    await client.connect();
    return (await client.query(text)).rows;
  } finally {
    await client.end().catch(() => {});
  }
}
