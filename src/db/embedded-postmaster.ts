import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { readFile, rename } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stopwatch } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { pause, throwIfAborted } from '../platform/retry.ts';
import type { ServerBinaries } from './embedded-binaries.ts';
import { nameFor, type ServerUser, serverEnvironment } from './embedded-user.ts';

export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  readonly exited: Promise<void>;
  stop(): Promise<void>;
}

export interface PostmasterOptions {
  readonly home: string;
  readonly binaries: ServerBinaries;
  readonly user: ServerUser | undefined;
  readonly port: number | undefined;
  readonly settings: Readonly<Record<string, string>>;
  readonly signal: AbortSignal | undefined;
}

/** For two cores that do other things too. Durable: what was committed survives kill -9 and a power cut. */
const settings = {
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  fsync: 'on',
  synchronous_commit: 'on',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

/** Long enough to replay `max_wal_size` of log after a crash, on a slow disk. */
const START_SECONDS = 300;
const FAST_STOP_SECONDS = 30;
const IMMEDIATE_STOP_SECONDS = 10;

/** Starts PostgreSQL on an existing cluster and returns when it accepts connections. */
export async function startPostmaster(options: PostmasterOptions): Promise<Postmaster> {
  const elapsed = stopwatch();
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    const logFile = join(options.home, 'postgres.log');
    const child = await launch(options, port, logFile);
    const postmaster = watch(child, port, logFile);
    try {
      await ready(options, child, elapsed);
      return postmaster;
    } catch (error) {
      await postmaster.stop();
      throwIfAborted(options.signal);
      const said = lastLines(logFile);
      const portTaken = /Address already in use/.test(said);
      // Somebody took the free port in the moment between finding and using it.
      if (portTaken && options.port === undefined && attempt < 5) continue;
      if (!portTaken) throw error;
      const detail = `Port ${port} of 127.0.0.1 is taken by another program. Stop that, or choose another port.`;
      throw new AppError('busy', 'port_in_use', detail, { cause: error });
    }
  }
}

async function launch(options: PostmasterOptions, port: number, logFile: string): Promise<ChildProcess> {
  const { home, user } = options;
  const data = join(home, 'data');
  const all = {
    ...settings,
    ...options.settings,
    listen_addresses: '127.0.0.1',
    port: String(port),
    // A socket's path must be short and its directory private; loopback needs neither.
    unix_socket_directories: '',
  };
  const name = await nameFor(user, data);
  await rename(logFile, `${logFile}.1`).catch(() => {});
  // Into a file and not a pipe: a full or broken pipe stops or silences a server, and it is to outlive our stumbling.
  const log = openSync(logFile, 'a', 0o600);
  try {
    return spawn(
      options.binaries.postgres,
      ['-D', name, ...Object.entries(all).flatMap(([k, v]) => ['-c', `${k}=${v}`])],
      // Detached: a session of its own, so that the terminal's Ctrl-C reaches us alone and we stop things in order.
      {
        ...user,
        cwd: data,
        env: serverEnvironment,
        detached: true,
        stdio: ['ignore', log, log],
      },
    );
  } finally {
    closeSync(log);
  }
}

function watch(child: ChildProcess, port: number, logFile: string): Postmaster {
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    child.once('error', (error) => resolve(error.message));
  });
  let stopping: Promise<void> | undefined;
  const exited = ended.then((how) => {
    process.off('exit', endWithUs);
    if (stopping) return;
    const detail = `PostgreSQL ended by itself (${how}). Its last lines:\n${lastLines(logFile)}\nThe whole log is ${logFile}.`;
    throw new AppError('unavailable', 'postgres_died', detail);
  });
  // Whoever does not ask how it ended is not to be brought down by the answer.
  exited.catch(() => {});

  // The last resort when nobody called stop(): a process that ends by an uncaught error leaves no server behind.
  const endWithUs = () => void child.kill('SIGINT');
  process.once('exit', endWithUs);
  // The server is no reason for a process to go on: those who use it are.
  child.unref();

  const stop = async () => {
    child.ref();
    for (const [signal, seconds] of [
      ['SIGINT', FAST_STOP_SECONDS],
      ['SIGQUIT', IMMEDIATE_STOP_SECONDS],
    ] as const) {
      child.kill(signal);
      const timer = new AbortController();
      const late = delay(seconds * 1000, 'late', { signal: timer.signal }).catch(() => undefined);
      const first = await Promise.race([ended, late]);
      timer.abort();
      if (first !== 'late') return;
    }
    child.kill('SIGKILL');
    await ended;
  };
  return {
    pid: child.pid as number,
    port,
    exited,
    stop: () => {
      // Dead already: then `exited` has told how, and there is nothing to stop.
      if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
      stopping ??= stop();
      return stopping;
    },
  };
}

/**
 * Returns when sessions can be opened. As pg_ctl does it: the postmaster keeps its state in the eighth line of its pid
 * file. Asking by a connection could be answered by another server that has the port.
 */
async function ready(options: PostmasterOptions, child: ChildProcess, elapsed: () => number): Promise<void> {
  const pidFile = join(options.home, 'data', 'postmaster.pid');
  while (elapsed() < START_SECONDS && child.exitCode === null && child.signalCode === null) {
    const lines = (await readFile(pidFile, 'utf8').catch(() => '')).split('\n');
    if (Number(lines[0]) === child.pid && lines[7]?.trim() === 'ready') return;
    await pause(25, options.signal);
  }
  const logFile = join(options.home, 'postgres.log');
  const detail = `PostgreSQL in ${options.home} did not start. Its last lines:\n${lastLines(logFile)}\nThe whole log is ${logFile}.`;
  throw new AppError('unavailable', 'postgres_did_not_start', detail);
}

/**
 * A free port below those the system hands out to clients (from 32768): one of these could be taken by any client
 * while the server restarts, even by one that is trying to connect to it.
 */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_768);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    server.close();
    if (isFree) return port;
  }
}

function lastLines(logFile: string): string {
  try {
    return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-8).join('\n');
  } catch {
    return '';
  }
}
