import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, vi } from 'vitest';
import { openS3Store } from '../../src/archive/s3-store.ts';
import type { Store } from '../../src/archive/store.ts';
import { fixedClock } from '../../src/core/clock.ts';
import type { S3Settings } from '../../src/platform/s3-settings.ts';
import { startS3, type TestS3 } from '../support/s3.ts';
import { type Fate, type S3Proxy, type S3Request, startS3Proxy } from '../support/s3-proxy.ts';

export const MIB = 1024 * 1024;

/** A bucket of which the server can be made to fail, for the tests of one file. Each test has a store of its own. */
export interface FaultyBucket {
  readonly s3: TestS3;
  readonly proxy: S3Proxy;
  /** Of the store that was opened last. */
  readonly prefix: string;
  readonly store: Store;
  readonly directory: string;
  /** A local file of 12 bytes, and one of 12 MiB, which is three parts. */
  readonly small: string;
  readonly large: string;
  /** What becomes of the requests from now on, to the end of the test. */
  fate: (request: S3Request) => Fate | Promise<Fate>;
  open(settings?: Partial<S3Settings>, limits?: { attempts?: number; idleMs?: number }): Store;
  /** The requests of a method that came so far. */
  sentBy(method: string): S3Request[];
}

export const unreachable = { kind: 'unavailable', code: 'store_failed' };

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('base64');
}

export function useFaultyBucket(): FaultyBucket {
  let s3: TestS3;
  let proxy: S3Proxy;
  let directory: string;
  let store: Store;
  let prefixes = 0;
  let prefix: string;

  const open: FaultyBucket['open'] = (settings = {}, limits = {}) => {
    prefix = `faults/${prefixes++}`;
    return openS3Store(
      { bucket: s3.bucket, prefix },
      { ...s3.settings, endpoint: proxy.endpoint, ...settings },
      {
        clock: fixedClock('2026-05-05T12:00:00Z'),
        limits: { partBytes: 5 * MIB, attempts: 2, idleMs: 20_000, partsAtOnce: 2, ...limits },
      },
    );
  };

  beforeAll(async () => {
    s3 = await startS3();
    directory = await mkdtemp(join(tmpdir(), 'test-s3-faults-'));
    await writeFile(bucket.small, 'a small file');
    await writeFile(bucket.large, Buffer.alloc(12 * MIB, 'a large file'));
  });

  beforeEach(async () => {
    bucket.fate = () => 'pass';
    proxy = await startS3Proxy(s3.endpoint, (request) => bucket.fate(request));
    store = open();
  });

  afterEach(async () => {
    await store.close?.();
    await proxy.stop();
    vi.unstubAllEnvs();
  });

  afterAll(async () => {
    await s3?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const bucket: FaultyBucket = {
    get s3() {
      return s3;
    },
    get proxy() {
      return proxy;
    },
    get prefix() {
      return prefix;
    },
    get store() {
      return store;
    },
    get directory() {
      return directory;
    },
    get small() {
      return join(directory, 'small');
    },
    get large() {
      return join(directory, 'large');
    },
    fate: () => 'pass',
    open,
    sentBy: (method) => proxy.seen.filter((request) => request.method === method),
  };
  return bucket;
}
