import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type pg from 'pg';
import { AppError, assert } from '../core/errors.ts';
import { throwIfAborted } from '../platform/retry.ts';
import type { ServerBinaries } from './embedded-binaries.ts';
import { nameFor, type ServerUser, serverEnvironment } from './embedded-user.ts';
import { identifier } from './identifier.ts';

/** Passwords by role. */
export interface Credentials {
  readonly postgres: string;
  readonly quartermaster: string;
}

/** Role, database and the role's own database share a name. */
export function serverUrl(role: keyof Credentials, password: string, port: number): string {
  return `postgres://${role}:${password}@127.0.0.1:${port}/${role}`;
}

/** The passwords kept beside the data, readable by their owner only; made up at the first start. */
export async function openCredentials(home: string): Promise<Credentials> {
  const path = join(home, 'credentials.json');
  const made = { postgres: makePassword(), quartermaster: makePassword() };
  const temporary = `${path}.new`;
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Credentials;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      const detail = `${path} cannot be read. Restore it, or delete ${home} to begin with an empty database.`;
      throw new AppError('config', 'credentials_unreadable', detail, { cause: error });
    }
  }
  await rm(temporary, { force: true });
  await writeFile(temporary, `${JSON.stringify(made)}\n`, { mode: 0o600, flag: 'wx' });
  await rename(temporary, path);
  return made;
}

/** Safe in a URL and in a password file. */
function makePassword(): string {
  return randomBytes(24).toString('base64url');
}

/** Removes what a killed initdb left. Its process may write for another moment: then the next start does it. */
export async function sweepUnfinished(home: string): Promise<void> {
  for (const name of await readdir(home)) {
    if (name.startsWith('data.'))
      await rm(join(home, name), { recursive: true, force: true }).catch(() => {});
  }
}

/**
 * Makes `home/data`. It is made under another name and renamed when whole, so a killed initdb leaves nothing that
 * looks like a cluster.
 *
 * The collation is PostgreSQL's own C.UTF-8, by code point: the same order on every machine, whatever its libc.
 */
export async function createCluster(options: {
  home: string;
  binaries: ServerBinaries;
  user: ServerUser | undefined;
  credentials: Credentials;
  /** False leaves the files to the operating system's cache, for a cluster nobody will miss. */
  sync: boolean;
  signal?: AbortSignal | undefined;
}): Promise<void> {
  const { home, user } = options;
  // mkdtemp makes it 0700, as PostgreSQL wants it; a name of its own keeps it apart from an initdb that lives on.
  const fresh = await mkdtemp(join(home, 'data.'));
  if (user !== undefined) await chown(fresh, user.uid, user.gid);
  try {
    await initdb(options, fresh);
    await rename(fresh, join(home, 'data'));
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw error;
  }
}

async function initdb(options: Parameters<typeof createCluster>[0], directory: string): Promise<void> {
  const { home, user, signal } = options;
  const passwordFile = join(home, 'password');
  await rm(passwordFile, { force: true });
  const password = await open(passwordFile, 'wx+', 0o600);
  try {
    await password.writeFile(`${options.credentials.postgres}\n`);
    if (user !== undefined) await password.chown(user.uid, user.gid);
    const child = spawn(
      options.binaries.initdb,
      [
        `--pgdata=${await nameFor(user, directory)}`,
        '--username=postgres',
        // Another user may not reach the file by its path, so it is handed over open.
        `--pwfile=${user === undefined ? passwordFile : '/dev/fd/3'}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--data-checksums',
        '--no-instructions',
        ...(options.sync ? [] : ['--no-sync']),
      ],
      // Away from the terminal's Ctrl-C, which is the caller's to handle: it comes back as `signal`.
      {
        ...user,
        signal,
        cwd: directory,
        env: serverEnvironment,
        detached: true,
        stdio: ['ignore', 'ignore', 'pipe', password.fd],
      },
    );
    assert(child.stderr, 'stderr of initdb is a pipe');
    const said = text(child.stderr);
    // Only 'close' says that it is gone and no longer writes; 'error' of an abort comes before.
    const how = await new Promise<unknown>((resolve) => {
      let failure: unknown;
      child.once('error', (error) => {
        failure = error;
      });
      child.once('close', (code, killed) => resolve(failure ?? killed ?? code));
    });
    throwIfAborted(signal);
    if (how !== 0) {
      const detail = `initdb failed in ${home} (${how}): ${(await said).trim()}. Mend that, or give a server of your own in QM_DATABASE_URL.`;
      throw new AppError('unavailable', 'initdb_failed', detail);
    }
  } finally {
    await password.close();
    await rm(passwordFile, { force: true });
  }
}

/**
 * Makes the role the software runs as, without any right to the server, and the database it owns. What is there
 * already is kept, the password excepted.
 *
 * @param admin a connection of a superuser
 */
export async function ensureApplication(admin: pg.Client, password: string): Promise<void> {
  const name = identifier('quartermaster');
  const role = await admin.query(`SELECT FROM pg_catalog.pg_roles WHERE rolname = 'quartermaster'`);
  if (role.rowCount === 0) await admin.query(`CREATE ROLE ${name}`);
  await admin.query(`ALTER ROLE ${name} LOGIN PASSWORD ${admin.escapeLiteral(password)}`);
  const database = await admin.query(`SELECT FROM pg_catalog.pg_database WHERE datname = 'quartermaster'`);
  if (database.rowCount === 0) await admin.query(`CREATE DATABASE ${name} OWNER ${name}`);
}
