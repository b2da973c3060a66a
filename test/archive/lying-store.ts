import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Store } from '../../src/archive/store.ts';
import { AppError } from '../../src/core/errors.ts';

/**
 * Ways in which a store can be other than it says. Each lie is told about the files of which the path matches, to who
 * writes and to who reads, so that it can be tried on any verb that has to do with a store.
 */
export interface Lie {
  readonly name: string;
  /** What whoever believes nothing has to find. */
  readonly found: 'corrupt' | 'unavailable';
  tell(honest: Store, about: RegExp): Store;
}

export const lies: readonly Lie[] = [
  {
    name: 'truncates a file',
    found: 'corrupt',
    tell: (honest, about) => changing(honest, about, (bytes) => bytes.subarray(0, -1)),
  },
  {
    name: 'flips a bit',
    found: 'corrupt',
    tell: (honest, about) => changing(honest, about, flipped),
  },
  {
    name: 'loses the last part of a file',
    found: 'corrupt',
    tell: (honest, about) => changing(honest, about, (bytes) => bytes.subarray(0, bytes.length >> 1)),
  },
  {
    name: 'keeps an empty file',
    found: 'corrupt',
    tell: (honest, about) => changing(honest, about, (bytes) => bytes.subarray(0, 0)),
  },
  {
    name: 'gives the bytes of another file',
    found: 'corrupt',
    tell: (honest, about) => ({
      ...far(honest),
      open: async (path) => honest.open(about.test(path) ? await anotherThan(honest, path) : path),
    }),
  },
  {
    name: 'lists a file that is not there',
    found: 'corrupt',
    tell: (honest) => ({
      ...far(honest),
      list: async (folder) => {
        const made = { path: `${folder}/zealous.parquet`, bytes: 4711 };
        return [...(await honest.list(folder)), made].sort((a, b) => (a.path < b.path ? -1 : 1));
      },
    }),
  },
  {
    name: 'says that it stored a file and did not',
    found: 'corrupt',
    tell: (honest, about) => ({
      ...far(honest),
      put: async (path, file) =>
        about.test(path) ? { path, bytes: (await readFile(file)).length } : honest.put(path, file),
      open: async (path) => {
        if (!about.test(path)) return honest.open(path);
        throw new AppError('not_found', 'not_in_store', `${path} is not in the store ${honest.url}.`);
      },
      stat: async (path) => (about.test(path) ? undefined : honest.stat(path)),
      list: async (folder) => (await honest.list(folder)).filter(({ path }) => !about.test(path)),
    }),
  },
  {
    name: 'answers 503 every third time',
    found: 'unavailable',
    tell: (honest) => {
      let calls = 0;
      return guarded(honest, () => ++calls % 3 === 0);
    },
  },
  {
    name: 'goes away in the middle of a file',
    found: 'unavailable',
    tell: (honest, about) => {
      let gone = false;
      const store = guarded(honest, () => gone);
      return {
        ...store,
        put: async (path, file, options) => {
          gone ||= about.test(path);
          return store.put(path, file, options);
        },
        open: async (path, options) => {
          const stream = await store.open(path, options);
          if (!about.test(path)) return stream;
          const bytes = await buffer(stream);
          gone = true;
          return Readable.from(breaksOff(bytes.subarray(0, bytes.length >> 1)), { objectMode: false });
        },
      };
    },
  },
];

/** Nobody may look behind a store that lies. */
function far({ localPath: _, ...store }: Store): Store {
  return store;
}

/** Stores something else than it was given, and of what others stored gives back something else than it has. */
function changing(honest: Store, about: RegExp, change: (bytes: Buffer) => Buffer): Store {
  const changed = new Set<string>();
  return {
    ...far(honest),
    put: async (path, file, options) => {
      if (!about.test(path)) return honest.put(path, file, options);
      const bytes = await readFile(file);
      const directory = await mkdtemp(join(tmpdir(), 'test-lie-'));
      changed.add(path);
      try {
        await writeFile(join(directory, 'lie'), change(bytes));
        await honest.put(path, join(directory, 'lie'), options);
        return { path, bytes: bytes.length };
      } finally {
        await rm(directory, { recursive: true });
      }
    },
    open: async (path, options) => {
      const stream = await honest.open(path, options);
      if (!about.test(path) || changed.has(path)) return stream;
      return Readable.from([change(await buffer(stream))], { objectMode: false });
    },
  };
}

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  const middle = copy.length >> 1;
  copy[middle] = (copy[middle] ?? 0) ^ 1;
  return copy;
}

/** The file of the same name in another folder, which is as sound as this one, or any other. */
async function anotherThan(honest: Store, path: string): Promise<string> {
  const [set = '', quarter = '', ...rest] = path.split('/');
  const others = (await honest.list(set)).map((file) => file.path).filter((other) => other !== path);
  // What is not there yet is not lied about.
  if ((await honest.stat(path)) === undefined) return path;
  const twin = others.find((other) => other.endsWith(`/${rest.join('/')}`) && !other.includes(quarter));
  return twin ?? others[0] ?? path;
}

/** Fails every call for which `fails` says so, as an S3 store does whose server is away. */
function guarded(honest: Store, fails: () => boolean): Store {
  const guard = () => {
    if (fails()) throw new AppError('unavailable', 'store_failed', 'The store answers 503 (HTTP 503).');
  };
  return {
    ...far(honest),
    put: async (...given) => {
      guard();
      return honest.put(...given);
    },
    open: async (...given) => {
      guard();
      return honest.open(...given);
    },
    stat: async (path) => {
      guard();
      return honest.stat(path);
    },
    list: async (folder) => {
      guard();
      return honest.list(folder);
    },
    remove: async (path) => {
      guard();
      return honest.remove(path);
    },
    sweep: async (folder) => {
      guard();
      await honest.sweep?.(folder);
    },
  };
}

async function* breaksOff(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
  throw new AppError('unavailable', 'store_failed', 'The store broke off (ECONNRESET).');
}
