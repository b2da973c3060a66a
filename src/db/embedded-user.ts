import { execFile } from 'node:child_process';
import { lstat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { AppError } from '../core/errors.ts';

/** Whom PostgreSQL runs as, when not as ourselves. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The server's whole environment: no locale of the caller, no PG* variables, and none of the caller's secrets,
 * which another user could read in /proc.
 */
export const serverEnvironment = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' };

const run = promisify(execFile);

/**
 * PostgreSQL refuses to run as root, so root runs it as the owner of its data, and at first as `nobody`: initdb
 * wants a user with a name, and this one is everywhere without a useradd. Data that root owns were copied by root,
 * and are given to that user again. Undefined means as ourselves.
 *
 * @throws AppError config/no_unprivileged_user
 */
export async function serverUser(data: string): Promise<ServerUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const owner = await lstat(data).catch(() => undefined);
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', 'nobody']), run('id', ['-g', 'nobody'])]);
    const user = { uid: Number(uid.stdout), gid: Number(gid.stdout) };
    if (owner !== undefined) await run('chown', ['-R', `${user.uid}:${user.gid}`, data]);
    return user;
  } catch (cause) {
    const detail = `PostgreSQL does not run as root, and cannot be run as the user \`nobody\`: ${String(cause)}. Run as an ordinary user.`;
    throw new AppError('config', 'no_unprivileged_user', detail, { cause });
  }
}

/**
 * How a process of `user` that is started inside `directory` names it: by its path where the user can follow that.
 * A checkout in /root or below a `mktemp -d` it cannot reach, and nobody's directory is to be opened for it; but
 * it was put there by root, and Linux lets it come back to where it stands under the name /proc/self/cwd.
 */
export async function nameFor(user: ServerUser | undefined, directory: string): Promise<string> {
  if (user === undefined) return directory;
  const reached = run('/bin/sh', ['-c', 'cd "$0"', directory], { ...user, cwd: '/', env: serverEnvironment });
  return reached.then(
    () => directory,
    () => {
      if (process.platform === 'linux') return '/proc/self/cwd';
      const detail = `The user that runs PostgreSQL for root (uid ${user.uid}) cannot reach ${directory}. Run as an ordinary user.`;
      throw new AppError('config', 'directory_not_reachable', detail);
    },
  );
}
