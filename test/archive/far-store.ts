import { Readable } from 'node:stream';
import type { Store } from '../../src/archive/store.ts';
import { AppError } from '../../src/core/errors.ts';

/** A store elsewhere: files that can only be opened. It counts how often each was. */
export function farStore(files: Record<string, Buffer>) {
  const opened: string[] = [];
  const refuse = async (): Promise<never> => {
    throw new Error('this store is only read');
  };
  const store: Store = {
    url: 'far:',
    put: refuse,
    remove: refuse,
    stat: async (path) => files[path] && { path, bytes: files[path].length },
    list: refuse,
    open: async (path) => {
      opened.push(path);
      const bytes = files[path];
      if (bytes === undefined) throw new AppError('not_found', 'not_in_store', `${path} is not there.`);
      return Readable.from([bytes.subarray(0, 10), bytes.subarray(10)]);
    },
  };
  return { store, opened };
}
