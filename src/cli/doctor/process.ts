import { readKnownArchives } from '../../db/inspect-archives.ts';
import { directoryOf } from '../../platform/file-url.ts';
import { formatBytes } from '../terminal.ts';
import { type Answer, type Check, type Fault, failed, together, warned } from './check.ts';
import type { Limits } from './limits.ts';
import type { Setup } from './setup.ts';

export const processChecks: readonly Check[] = [
  {
    name: 'node-version',
    group: 'This process',
    check: 'Node is of a version that this software was made for',
    looks: 'the version of Node: 22.22 or newer, or 24',
    means: 'What is not tested may fail at any time.',
    advice: 'Install Node 24, or use the image.',
    ask: ({ machine }) => judgeNode(machine.node),
  },
  {
    name: 'memory',
    group: 'This process',
    check: 'there is memory for an archive',
    looks: "the container's limit: writing and reading an archive takes up to 500 MB beside everything else",
    means: 'The process is killed while it archives, again and again.',
    advice: 'Give the worker a limit of 1Gi or more (resources.limits.memory).',
    ask: ({ machine, limits, as }) => {
      const limit = machine.memoryLimit();
      // The API writes no archives.
      if (limit === undefined || limit >= limits.memory || as === 'api') return undefined;
      return warned(
        `The limit is ${formatBytes(limit)}, and an archive wants ${formatBytes(limits.memory)}.`,
      );
    },
  },
  {
    name: 'open-files',
    group: 'This process',
    check: 'enough files and sockets may be open at once',
    looks: 'the limit of open files (ulimit -n)',
    means: 'Under load connections are refused with EMFILE.',
    advice: 'Raise it to 65536: `ulimit -n 65536`, or LimitNOFILE= of the service.',
    ask: ({ machine, limits }) => {
      const most = machine.openFiles();
      return most === undefined || most >= limits.openFiles
        ? undefined
        : warned(`It is ${most}; ${limits.openFiles} is the least that is comfortable.`);
    },
  },
  {
    name: 'temporary-space',
    group: 'This process',
    check: 'there is room for temporary files',
    looks:
      'TMPDIR: whether it can be written, and what is free there. An archive is made there in parts of 128 MB',
    means: 'Archives, restores and loads stop half-way, and are begun again in vain.',
    advice: 'Make room there, or set TMPDIR to a directory that has it.',
    ask: async (setup) => judgeRoom(setup, 'The directory for temporary files', setup.machine.temporary()),
  },
  {
    name: 'cache-space',
    group: 'This process',
    check: 'there is room for what is read of archives',
    looks: 'QM_CACHE_DIR: whether it can be written, and what is free there',
    means: 'Archived quarters cannot be read.',
    advice: 'Make room there, or set QM_CACHE_DIR to a directory that has it, or a smaller QM_CACHE_MAX_MIB.',
    needs: ['settings'],
    ask: async (setup) => {
      const { cacheDir, cacheMaxMib } = setup.config();
      if (cacheDir === undefined) return undefined;
      const answer = await judgeRoom(setup, 'QM_CACHE_DIR', cacheDir);
      if (answer !== undefined) return answer;
      const free = await setup.machine.free(cacheDir);
      const wanted = cacheMaxMib * 1024 ** 2;
      return free >= wanted
        ? undefined
        : warned(
            `In ${cacheDir} ${formatBytes(free)} are free, and up to ${formatBytes(wanted)} may be kept there.`,
          );
    },
  },
  {
    name: 'store-directory',
    group: 'This process',
    check: 'the directory of the store is there and answers, where it is one',
    looks: 'the directory of QM_STORE=file:…, which the first archive makes; it is not made here',
    means:
      'A path that is spelled wrong, or a volume that is not mounted, would take archives that nobody finds.',
    advice: 'See that QM_STORE is spelled right and that its volume is mounted.',
    needs: ['settings'],
    ask: async (setup) => judgeDirectory(setup),
  },
  {
    name: 'store-space',
    group: 'This process',
    check: 'there is room in the store, where that is a directory',
    looks: 'the directory of QM_STORE=file:…: what is free there',
    means: 'Quarters cannot be archived, so nothing leaves the database, which grows on.',
    advice: 'Give the disk more room, or move the store to a larger one or to a bucket.',
    needs: ['settings', 'store-directory'],
    ask: async ({ config, machine, limits }) => {
      const directory = directoryOf(config().store);
      return directory === undefined
        ? undefined
        : judgeFree('The store', directory, await machine.free(directory), limits);
    },
  },
  {
    name: 'store-permissions',
    group: 'This process',
    check: 'only who should can write to the store and read it, where that is a directory',
    looks: 'the permissions of the directory of QM_STORE=file:…',
    means: 'Anybody on the machine may read the books, or change an archive.',
    advice: 'Run `chmod 750` on it, or `chmod 700`.',
    needs: ['settings', 'store-directory'],
    ask: async ({ config, machine }) => {
      const directory = directoryOf(config().store);
      const mode = directory === undefined ? undefined : await machine.modeOf(directory);
      if (mode === undefined) return undefined;
      const shown = `${directory} has the permissions ${mode.toString(8)}`;
      if ((mode & 0o002) !== 0) return failed(`${shown}: everybody may write there.`);
      return (mode & 0o004) !== 0 && !machine.isContained()
        ? warned(`${shown}: everybody may read there.`)
        : undefined;
    },
  },
];

/** @param version as `24.1.0` */
export function judgeNode(version: string): Fault | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < 22 || (major === 22 && minor < 22)) return failed(`It is ${version}.`);
  return major === 22 || major === 24 ? undefined : warned(`It is ${version}, with which it was not tested.`);
}

/** The directory of a store is missing before the first archive, and afterwards only where something is wrong. */
async function judgeDirectory(setup: Setup): Promise<Answer> {
  const directory = directoryOf(setup.config().store);
  if (directory === undefined) return undefined;
  try {
    if (await setup.machine.isThere(directory)) return undefined;
  } catch (error) {
    return failed(`${directory} cannot be looked at: ${(error as Error).message}.`);
  }
  // That the database is away is told by another check.
  const known = await setup
    .db()
    .then(readKnownArchives)
    .catch(() => []);
  const found = `${directory} is not there`;
  return known.length === 0
    ? warned(`${found} yet: the first archive makes it.`)
    : failed(`${found}, and ${known.length} archives were written. Is it mounted, and spelled right?`);
}

/** Whether a directory can be written, and has room. */
async function judgeRoom({ machine, limits }: Setup, what: string, path: string): Promise<Answer> {
  try {
    await machine.tryWriting(path);
  } catch (error) {
    return failed(`${what}, ${path}, cannot be written: ${(error as Error).message}.`);
  }
  return judgeFree(what, path, await machine.free(path), limits);
}

export function judgeFree(
  what: string,
  path: string,
  free: number,
  { freeFailed, freeAdvice }: Pick<Limits, 'freeFailed' | 'freeAdvice'>,
): Fault | undefined {
  const found = `${what}, ${path}, has ${formatBytes(free)} free.`;
  if (free < freeFailed) return together([failed(found)]);
  return free < freeAdvice ? warned(found) : undefined;
}
