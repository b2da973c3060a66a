import { execFile } from 'node:child_process';
import { chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startEmbedded } from '../../src/db/embedded.ts';
import { findBinaries } from '../../src/db/embedded-binaries.ts';
import { endOrphans } from '../../src/db/embedded-owner.ts';
import { type Postmaster, startPostmaster } from '../../src/db/embedded-postmaster.ts';
import { type ServerUser, serverUser } from '../../src/db/embedded-user.ts';
import { query } from './embedded.ts';
import { migrateUp } from './migrate.ts';
import { temporaryHome } from './server.ts';

/** A standby that follows the primary by streaming, and what can happen to it. */
export interface Standby {
  /** Of role and database `quartermaster`, as the primary's. */
  readonly url: string;
  readonly adminUrl: string;
  readonly pid: number;
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port after a kill. */
  restart(): Promise<void>;
  /** SIGSTOP to all of its processes, or to the postmaster alone: then old sessions live and no new one begins. */
  freeze(which?: 'all' | 'postmaster'): Promise<void>;
  thaw(): Promise<void>;
  pauseReplay(): Promise<void>;
  resumeReplay(): Promise<void>;
  /** Returns when it has replayed all that the primary has written until now. */
  caughtUp(): Promise<void>;
}

export interface Replication {
  readonly primary: { readonly url: string; readonly adminUrl: string };
  readonly replica: Standby;
  stop(): Promise<void>;
}

const run = promisify(execFile);

/** What is committed outlives kill -9 of PostgreSQL, if not a power cut. Small, for there are two of them. */
const settings = { fsync: 'off', shared_buffers: '32MB', max_connections: '60' };

/**
 * Starts two servers in streaming replication, with an empty migrated ledger. The binaries at hand have no
 * pg_basebackup: the standby is a copy of the primary's files, taken while that was shut down in order.
 */
export async function startReplication(): Promise<Replication> {
  const [home, standbyHome] = await Promise.all([temporaryHome(), temporaryHome()]);
  const remove = () => Promise.all([home.remove(), standbyHome.remove()]);
  try {
    const options = { directory: home.directory, settings };
    const fresh = await startEmbedded(options);
    await migrateUp({ url: fresh.url, zone: 'UTC' });
    await fresh.stop();
    const user = await serverUser(join(home.directory, 'data'));
    await copyCluster(home.directory, standbyHome.directory, user);
    const primary = await startEmbedded({ ...options, port: fresh.port });
    const standby = await startStandby(standbyHome.directory, user, primary);
    await standby.caughtUp();
    return {
      primary,
      replica: standby,
      stop: async () => {
        await standby.thaw();
        await standby.kill('SIGQUIT');
        await primary.stop();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function copyCluster(from: string, to: string, user: ServerUser | undefined): Promise<void> {
  await mkdir(to, { recursive: true });
  await run('cp', ['-a', join(from, 'data'), to]);
  const signal = join(to, 'data', 'standby.signal');
  await writeFile(signal, '');
  if (user !== undefined) await chown(signal, user.uid, user.gid);
}

async function startStandby(
  home: string,
  user: ServerUser | undefined,
  primary: { url: string; adminUrl: string },
): Promise<Standby> {
  const source = new URL(primary.adminUrl);
  const conninfo = `host=${source.hostname} port=${source.port} user=${source.username} password=${source.password}`;
  const start = async (port?: number): Promise<Postmaster> => {
    await endOrphans(join(home, 'data'), () => {});
    return startPostmaster({
      home,
      binaries: await findBinaries(user),
      user,
      port,
      settings: {
        ...settings,
        primary_conninfo: conninfo,
        // A primary that was away is found again at once, and a conflict is not waited for.
        wal_retrieve_retry_interval: '100ms',
        max_standby_streaming_delay: '0',
      },
      signal: undefined,
    });
  };
  let server = await start();
  let frozen: number[] = [];
  const { port } = server;
  const at = (url: string) => Object.assign(new URL(url), { port: String(port) }).href;
  const adminUrl = at(primary.adminUrl);
  const position = async (url: string, expression: string) =>
    ((await query(url, `SELECT ${expression} AS value`)) as [{ value: unknown }])[0].value;
  const thaw = async () => {
    // The postmaster last: it would look after children that do not answer.
    for (const pid of frozen.reverse()) signalIfAlive(pid, 'SIGCONT');
    frozen = [];
  };
  return {
    url: at(primary.url),
    adminUrl,
    get pid() {
      return server.pid;
    },
    kill: async (signal) => {
      signalIfAlive(server.pid, signal);
      await server.exited.catch(() => {});
    },
    restart: async () => {
      server = await start(port);
    },
    freeze: async (which = 'all') => {
      // The postmaster first, so that it has no more children while they are looked up.
      process.kill(server.pid, 'SIGSTOP');
      frozen = [server.pid, ...(which === 'all' ? await childrenOf(server.pid) : [])];
      for (const pid of frozen) signalIfAlive(pid, 'SIGSTOP');
    },
    thaw,
    pauseReplay: async () => {
      await query(adminUrl, 'SELECT pg_wal_replay_pause()');
      // What is asked for takes hold when the record under way is done.
      while ((await position(adminUrl, 'pg_get_wal_replay_pause_state()')) !== 'paused');
    },
    resumeReplay: async () => {
      await query(adminUrl, 'SELECT pg_wal_replay_resume()');
    },
    caughtUp: async () => {
      const target = await position(primary.adminUrl, 'pg_current_wal_flush_lsn()');
      while (!(await position(adminUrl, `pg_last_wal_replay_lsn() >= '${target}'`)));
    },
  };
}

/** The processes that a process has begun and that still run. */
export async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await run('ps', ['-axo', 'pid=,ppid=']);
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([child = 0, parent]) => (parent === pid ? [child] : []));
}

export function signalIfAlive(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
