import { type Clock, systemClock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { directoryOf } from '../platform/file-url.ts';
import { parseS3Url, plainS3, type S3Settings } from '../platform/s3-settings.ts';
import { openDiskStore } from './disk-store.ts';
import { openS3Store } from './s3-store.ts';
import type { Store } from './store.ts';

export interface StoreOptions {
  readonly s3?: S3Settings;
  readonly clock?: Clock;
}

/**
 * The store of a QM_STORE: `file:///absolute/directory`, `file:./directory` below the working directory, or
 * `s3://bucket/prefix`. Nothing is touched before its first use.
 *
 * @throws AppError config/invalid_store
 */
export function openStore(url: string, { s3 = plainS3, clock = systemClock }: StoreOptions = {}): Store {
  const directory = directoryOf(url);
  if (directory !== undefined) return openDiskStore(directory);
  const place = parseS3Url(url);
  if (place !== undefined) return openS3Store(place, s3, { clock });
  // What was given is not repeated: somebody may have put a key into it.
  const detail =
    'QM_STORE names no store. Write file:///absolute/directory, file:./relative/directory or s3://bucket/prefix.';
  throw new AppError('config', 'invalid_store', detail);
}
