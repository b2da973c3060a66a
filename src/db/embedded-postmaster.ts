import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { stopwatch } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { pause, throwIfAborted } from '../platform/retry.ts';
import type { ServerBinaries } from './embedded-binaries.ts';
import { serverUrl } from './embedded-cluster.ts';
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
  /** Of the superuser, to ask whether the server is up. */
  readonly password: string;
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
/** Sessions of a killed postmaster notice its death by themselves, but not in the same instant. */
const ORPHAN_SESSION_SECONDS = 20;

/** Starts PostgreSQL on an existing cluster and returns when it accepts connections. */
export async function startPostmaster(options: PostmasterOptions): Promise<Postmaster> {
  const elapsed = stopwatch();
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    const logFile = join(options.home, 'postgres.log');
    const child = await launch(options, port, logFile);
    const postmaster = watch(child, port, logFile);
    try {
      await accepting(options, postmaster, child, elapsed);
      return postmaster;
    } catch (error) {
      await postmaster.stop();
      throwIfAborted(options.signal);
      const said = lastLines(logFile);
      const portTaken = /Address already in use/.test(said);
      // Somebody took the free port in the moment between finding and using it.
      if (portTaken && options.port === undefined && attempt < 5) continue;
      if (/pre-existing shared memory block/.test(said) && elapsed() < ORPHAN_SESSION_SECONDS) {
        await pause(100, options.signal);
        continue;
      }
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
  await rename(logFile, `${logFile}.1`).catch(() => {});
  // Into a file and not a pipe: a full or broken pipe stops or silences a server, and it is to outlive our stumbling.
  const log = await open(logFile, 'a', 0o600);
  try {
    const child = spawn(
      options.binaries.postgres,
      ['-D', await nameFor(user, data), ...Object.entries(all).flatMap(([k, v]) => ['-c', `${k}=${v}`])],
      // Detached: a session of its own, so that the terminal's Ctrl-C reaches us alone and we stop things in order.
      {
        ...user,
        cwd: data,
        env: serverEnvironment,
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
      },
    );
    await once(child, 'spawn');
    return child;
  } finally {
    await log.close();
  }
}

function watch(child: ChildProcess, port: number, logFile: string): Postmaster {
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
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

/** Returns when a session can be opened. Asking is the only sure sign: the log's wording and the pid file are not. */
async function accepting(
  options: PostmasterOptions,
  postmaster: Postmaster,
  child: ChildProcess,
  elapsed: () => number,
): Promise<void> {
  const url = serverUrl('postgres', options.password, postmaster.port);
  const logFile = join(options.home, 'postgres.log');
  while (elapsed() < START_SECONDS) {
    if (child.exitCode !== null || child.signalCode !== null) break;
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
    client.on('error', () => {});
    try {
      await client.connect();
      return;
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === '28P01') {
        const detail = `PostgreSQL in ${options.home} refuses the password in credentials.json. Restore that file, or delete the directory to begin with an empty database.`;
        throw new AppError('config', 'password_refused', detail, { cause: error });
      }
    } finally {
      await client.end().catch(() => {});
    }
    await pause(25, options.signal);
  }
  const detail = `PostgreSQL in ${options.home} did not start. Its last lines:\n${lastLines(logFile)}\nThe whole log is ${logFile}.`;
  throw new AppError('unavailable', 'postgres_did_not_start', detail);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function lastLines(logFile: string): string {
  try {
    return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-8).join('\n');
  } catch {
    return '';
  }
}
