import { existsSync, readFileSync } from 'node:fs';
import { stat, statfs } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { isThere, tryWriting } from './disk.ts';

/** What is asked of the machine we run on. A test stands in for it where it cannot be broken on purpose. */
export interface Machine {
  readonly node: string;
  readonly processors: number;
  readonly temporary: () => string;
  isContained(): boolean;
  /** Bytes that this process and its neighbours in the container may use; undefined without a limit. */
  memoryLimit(): number | undefined;
  /** Files and sockets this process may have open; undefined where that is not told. */
  openFiles(): number | undefined;
  /** Bytes that are free for us where the path is, or would be. */
  free(path: string): Promise<number>;
  /** Whether the directory is there. @throws when its file system does not answer */
  isThere(directory: string): Promise<boolean>;
  /** @throws what keeps us from writing there */
  tryWriting(directory: string): Promise<void>;
  /** The permissions of a directory as `0o750`; undefined when it is not there, or this system has none. */
  modeOf(path: string): Promise<number | undefined>;
}

export const thisMachine: Machine = {
  node: process.versions.node,
  processors: availableParallelism(),
  temporary: tmpdir,
  isContained: () =>
    existsSync('/.dockerenv') ||
    existsSync('/run/.containerenv') ||
    /Kubernetes-managed hosts file/.test(textOf('/etc/hosts')) ||
    /kubepods|docker|containerd/.test(textOf('/proc/self/cgroup')),
  memoryLimit: () => {
    const limit = process.constrainedMemory();
    // Where there is none, it is told as none, or as more than there is in the world.
    return limit > 0 && limit < 2 ** 50 ? limit : undefined;
  },
  openFiles: () => {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(textOf('/proc/self/limits')) ?? [];
    return soft === undefined ? undefined : Number(soft);
  },
  async free(path) {
    const { bavail, bsize } = await statfs(nearest(path));
    return bavail * bsize;
  },
  isThere,
  tryWriting,
  async modeOf(path) {
    if (process.platform === 'win32' || !existsSync(path)) return undefined;
    return (await stat(path)).mode & 0o777;
  },
};

/** What is made when it is first needed will be where the nearest directory above it is. */
function nearest(path: string): string {
  let place = path;
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place);
  return place;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
