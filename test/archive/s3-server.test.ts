import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { S3 } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openS3Store } from '../../src/archive/s3-store.ts';
import type { Store } from '../../src/archive/store.ts';
import { systemClock } from '../../src/core/clock.ts';
import { plainS3, type S3Settings } from '../../src/platform/s3-settings.ts';
import { hasCeph, startCeph, type TestCeph } from '../support/ceph.ts';
import { openS3Bench } from './s3-bench.ts';
import { describeStore } from './store-contract.ts';

/**
 * The contract again, and what s3rver has not, against a server that has Object Lock: one of yours, QM_TEST_S3_ENDPOINT
 * with its credentials in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, where buckets are made and kept, for what is locked
 * in them cannot be removed; or Ceph, where that is installed.
 */
const given = process.env.QM_TEST_S3_ENDPOINT;
const possible = given !== undefined || (await hasCeph());
const bucket = `quartermaster-${randomBytes(6).toString('hex')}`;
const locked = `${bucket}-locked`;

let ceph: TestCeph | undefined;
let settings: S3Settings;
let admin: S3;
let directory: string;
let file: string;
let prefixes = 0;

describe.skipIf(!possible)('on a server that has Object Lock', () => {
  beforeAll(async () => {
    if (given === undefined) {
      ceph = await startCeph();
      vi.stubEnv('AWS_ACCESS_KEY_ID', ceph.credentials.accessKeyId);
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', ceph.credentials.secretAccessKey);
    }
    const endpoint = given ?? ceph?.endpoint ?? '';
    settings = { ...plainS3, endpoint, pathStyle: true };
    admin = new S3({ endpoint, region: 'us-east-1', forcePathStyle: true });
    await admin.createBucket({ Bucket: bucket });
    await admin.createBucket({ Bucket: locked, ObjectLockEnabledForBucket: true });
    directory = await mkdtemp(join(tmpdir(), 'test-s3-server-'));
    file = join(directory, 'file');
    await writeFile(file, 'a file');
  }, 180_000);

  afterAll(async () => {
    admin?.destroy();
    await ceph?.stop();
    vi.unstubAllEnvs();
    await rm(directory, { recursive: true, force: true });
  });

  const partBytes = 5 * 1024 * 1024;
  const open = (own: Partial<S3Settings> = {}): Store =>
    openS3Store(
      { bucket: locked, prefix: `books/${prefixes++}` },
      { ...settings, ...own },
      { clock: systemClock, limits: { partBytes } },
    );
  const keyOf = (store: Store, path: string) => `${store.url.slice(`s3://${locked}/`.length)}/${path}`;
  const versionsOf = async (store: Store, path: string) => {
    const { Versions = [] } = await admin.listObjectVersions({ Bucket: locked, Prefix: keyOf(store, path) });
    return Versions;
  };

  describeStore('in a bucket of such a server', {
    partBytes,
    open: async () => {
      const place = { bucket, prefix: `contract/${prefixes++}` };
      const countUnfinished = async () => {
        const { Uploads = [] } = await admin.listMultipartUploads({ Bucket: bucket, Prefix: place.prefix });
        return Uploads.length;
      };
      return openS3Bench({ endpoint: settings.endpoint ?? '', settings, place, partBytes, countUnfinished });
    },
  });

  it.each(['GOVERNANCE', 'COMPLIANCE'] as const)('a file is locked: %s', async (lockMode) => {
    // What is locked for compliance cannot be removed by anybody, so this is for the minute of a probe.
    const store = open({ lockMode, lockDays: 1 });
    const large = join(directory, 'large');
    await writeFile(large, Buffer.alloc(partBytes + 1, 'x'));
    for (const [path, local] of [
      ['small', file],
      ['large', large],
    ] as const) {
      await store.put(path, local, { probe: lockMode === 'COMPLIANCE' });
      const [version] = await versionsOf(store, path);
      const target = { Bucket: locked, Key: keyOf(store, path), VersionId: version?.VersionId };
      const { Retention } = await admin.getObjectRetention(target);
      expect(Retention?.Mode).toBe(lockMode);
      await expect(admin.deleteObject(target)).rejects.toMatchObject({ name: 'AccessDenied' });
    }
    await store.close?.();
  });

  it('a locked file is replaced and removed for all who read, and what was locked stays', async () => {
    const store = open({ lockMode: 'GOVERNANCE', lockDays: 1 });
    await store.put('a/manifest', file);
    await writeFile(join(directory, 'other'), 'another file');
    await store.put('a/manifest', join(directory, 'other'));
    expect(await text(await store.open('a/manifest'))).toBe('another file');
    await store.remove('a/manifest');
    expect(await store.list('a')).toEqual([]);
    expect(await store.stat('a/manifest')).toBeUndefined();
    await expect(store.open('a/manifest')).rejects.toMatchObject({ code: 'not_in_store' });
    expect(await versionsOf(store, 'a/manifest')).toHaveLength(2);
    await store.put('a/manifest', file);
    expect(await text(await store.open('a/manifest'))).toBe('a file');
    await store.close?.();
  });

  it('a bucket without Object Lock is refused', async () => {
    const store = openS3Store(
      { bucket, prefix: 'unlocked' },
      { ...settings, lockMode: 'GOVERNANCE', lockDays: 1 },
      { clock: systemClock },
    );
    await expect(store.put('a', file)).rejects.toMatchObject({ kind: 'config', code: 'store_refused' });
    await store.close?.();
  });

  it.skipIf(given !== undefined)('a file is encrypted, and comes back as it was', async () => {
    const kmsKey = ceph?.kmsKey;
    const store = open({ sse: 'aws:kms', kmsKey });
    await store.put('a', file);
    const head = await admin.headObject({ Bucket: locked, Key: keyOf(store, 'a') });
    expect(head).toMatchObject({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: kmsKey });
    expect(await text(await store.open('a'))).toBe('a file');
    await store.close?.();
  });

  it('who may not is told so', async () => {
    const before = process.env.AWS_SECRET_ACCESS_KEY;
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'wrong');
    const store = open();
    await expect(store.list('a')).rejects.toMatchObject({ kind: 'config', code: 'store_denied' });
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', before);
    await store.close?.();
  });
});
