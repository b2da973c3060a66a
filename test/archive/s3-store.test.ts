import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../../src/archive/open-store.ts';
import { openS3Store } from '../../src/archive/s3-store.ts';
import { systemClock } from '../../src/core/clock.ts';
import { startS3, type TestS3 } from '../support/s3.ts';
import { openS3Bench } from './s3-bench.ts';
import { describeStore } from './store-contract.ts';

let s3: TestS3;
let directory: string;
let prefixes = 0;
const partBytes = 5 * 1024 * 1024;

beforeAll(async () => {
  s3 = await startS3();
  directory = await mkdtemp(join(tmpdir(), 'test-s3-store-'));
});

afterAll(async () => {
  await s3?.stop();
  await rm(directory, { recursive: true, force: true });
});

describeStore('in a bucket', {
  partBytes,
  open: async () => {
    const place = { bucket: s3.bucket, prefix: `contract/${prefixes++}` };
    const countUnfinished = () => s3.countUploads(place.prefix);
    return openS3Bench({ endpoint: s3.endpoint, settings: s3.settings, place, partBytes, countUnfinished });
  },
});

describe('a store in a bucket', () => {
  const open = (bucket = s3.bucket, prefix = '') =>
    openS3Store({ bucket, prefix }, s3.settings, { clock: systemClock });

  it('is found by its URL, with and without a prefix, and says no more of itself than that', async () => {
    const file = join(directory, 'file');
    await writeFile(file, 'x');
    const whole = openStore(`s3://${s3.bucket}`, { s3: s3.settings });
    const part = openStore(`s3://${s3.bucket}/some/where/`, { s3: s3.settings });
    expect([whole.url, part.url]).toEqual([`s3://${s3.bucket}`, `s3://${s3.bucket}/some/where`]);
    expect(part.localPath).toBeUndefined();
    await part.put('a/b', file);
    expect(await whole.list('some')).toEqual([{ path: 'some/where/a/b', bytes: 1 }]);
    expect(await part.list('a')).toEqual([{ path: 'a/b', bytes: 1 }]);
    expect(await text(await whole.open('some/where/a/b'))).toBe('x');
    await whole.close?.();
    await part.close?.();
  });

  it('lists more files than one answer holds, and no folder that a console made', async () => {
    await mkdir(join(s3.directory, 'many'), { recursive: true });
    const names = Array.from({ length: 2100 }, (_, i) => `many/${String(i).padStart(4, '0')}`);
    for (const name of names) await writeFile(join(s3.directory, `${name}._S3rver_object`), '.');
    await writeFile(join(s3.directory, 'many/._S3rver_object'), '');
    const store = open();
    expect((await store.list('many')).map(({ path }) => path)).toEqual(names);
    await store.close?.();
  });

  it('says that the bucket is not there, whatever is asked of it', async () => {
    const store = open('no-such-bucket');
    const file = join(directory, 'file');
    await writeFile(file, 'x');
    const missing = { kind: 'config', code: 'store_not_found' };
    await expect(store.put('a', file)).rejects.toMatchObject(missing);
    await expect(store.open('a')).rejects.toMatchObject(missing);
    await expect(store.stat('a')).rejects.toMatchObject(missing);
    await expect(store.list('a')).rejects.toMatchObject(missing);
    await expect(store.remove('a')).rejects.toMatchObject(missing);
    await store.close?.();
  });

  it('needs no connection before its first use, nor to be closed', async () => {
    const store = openS3Store(
      { bucket: 'archive', prefix: '' },
      { ...s3.settings, endpoint: 'http://127.0.0.1:1' },
      { clock: systemClock },
    );
    await store.close?.();
  });
});
