import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError } from '../core/errors.ts';
import { openDiskStore } from './disk-store.ts';
import type { Store } from './store.ts';

/**
 * The store of a QM_STORE: `file:///absolute/directory`, or `file:./directory` below the working directory. Nothing
 * is touched before its first use.
 *
 * @throws AppError config/invalid_store
 */
export function openStore(url: string): Store {
  if (URL.parse(url)?.protocol === 'file:') {
    // A URL knows no relative path: `file:./var` would become /var.
    return openDiskStore(
      url.startsWith('file://') ? fileURLToPath(url) : resolve(decodeURIComponent(url.slice('file:'.length))),
    );
  }
  const detail = `${url} is no store. Write file:///absolute/directory or file:./relative/directory.`;
  throw new AppError('config', 'invalid_store', detail);
}
