import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openS3Store } from '../../src/archive/s3-store.ts';
import type { Store } from '../../src/archive/store.ts';
import { fixedClock } from '../../src/core/clock.ts';
import type { S3Settings } from '../../src/platform/s3-settings.ts';
import { startS3, type TestS3 } from '../support/s3.ts';
import { type Fate, type S3Proxy, type S3Request, startS3Proxy } from '../support/s3-proxy.ts';

const MIB = 1024 * 1024;
const partBytes = 5 * MIB;

let s3: TestS3;
let proxy: S3Proxy;
let directory: string;
let small: string;
let large: string;
let store: Store;
let prefixes = 0;
let prefix: string;
let fate: (request: S3Request) => Fate | Promise<Fate>;

beforeAll(async () => {
  s3 = await startS3();
  directory = await mkdtemp(join(tmpdir(), 'test-s3-faults-'));
  small = join(directory, 'small');
  large = join(directory, 'large');
  await writeFile(small, 'a small file');
  await writeFile(large, Buffer.alloc(12 * MIB, 'a large file'));
});

beforeEach(async () => {
  fate = () => 'pass';
  proxy = await startS3Proxy(s3.endpoint, (request) => fate(request));
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

function open(
  settings: Partial<S3Settings> = {},
  limits: { attempts?: number; idleMs?: number } = {},
): Store {
  prefix = `faults/${prefixes++}`;
  return openS3Store(
    { bucket: s3.bucket, prefix },
    { ...s3.settings, endpoint: proxy.endpoint, ...settings },
    {
      clock: fixedClock('2026-05-05T12:00:00Z'),
      limits: { partBytes, attempts: 2, idleMs: 20_000, partsAtOnce: 2, ...limits },
    },
  );
}

const isPart = ({ url }: S3Request) => /partNumber=/.test(url);
const away = { kind: 'unavailable', code: 'store_failed' };
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('base64');
const sentBy = (method: string) => proxy.seen.filter((request) => request.method === method);

/** Everything that can be asked of a store. */
const all: readonly [string, (store: Store) => Promise<unknown>][] = [
  ['put', (one) => one.put('a/b', small)],
  ['put of parts', (one) => one.put('a/b', large)],
  ['open', (one) => one.open('a/b')],
  ['stat', (one) => one.stat('a/b')],
  ['list', (one) => one.list('a')],
  ['remove', (one) => one.remove('a/b')],
  ['sweep', async (one) => one.sweep?.('a')],
];

describe('a store in a bucket bears', () => {
  it('a server that answers 503 every third time', async () => {
    let asked = 0;
    fate = () => (++asked % 3 === 0 ? { status: 503, code: 'SlowDown' } : 'pass');
    await store.put('a/large', large);
    await store.put('a/small', small);
    expect(await store.list('a')).toHaveLength(2);
    expect((await buffer(await store.open('a/large'))).length).toBe(12 * MIB);
  });

  it('a connection that is lost once', async () => {
    let cut = 0;
    fate = () => (cut++ === 0 ? 'cut' : 'pass');
    expect(await store.put('a', small)).toEqual({ path: 'a', bytes: 12 });
  });
});

describe('a store in a bucket says that it cannot be reached', () => {
  it.each(all)('in a %s, while the server fails', async (_, ask) => {
    fate = () => ({ status: 500, code: 'InternalError' });
    await expect(ask(store)).rejects.toMatchObject(away);
    expect(proxy.seen).toHaveLength(2);
  });

  it.each(all)('in a %s, while every connection is lost', async (_, ask) => {
    fate = () => 'cut';
    await expect(ask(store)).rejects.toMatchObject(away);
  });

  it.each(all)('in a %s, when nothing is answered', async (_, ask) => {
    fate = () => 'hang';
    await expect(ask(open({}, { attempts: 1, idleMs: 100 }))).rejects.toMatchObject(away);
  });

  it('when nobody listens', async () => {
    const nowhere = open({ endpoint: 'http://127.0.0.1:1' }, { attempts: 1 });
    await expect(nowhere.list('a')).rejects.toMatchObject(away);
  });

  it('when the connection is lost in the middle of a file', async () => {
    await store.put('a', large);
    fate = ({ method }) => (method === 'GET' ? { cutAfter: 3 * MIB } : 'pass');
    await expect(buffer(await store.open('a'))).rejects.toMatchObject({
      ...away,
      detail: expect.stringContaining('could not read a'),
    });
  });

  it('when the server falls silent in the middle of a file', async () => {
    const impatient = open({}, { idleMs: 200 });
    await impatient.put('a', small);
    fate = ({ method }) => (method === 'GET' ? { hangAfter: 5 } : 'pass');
    await expect(buffer(await impatient.open('a'))).rejects.toMatchObject(away);
  });

  it('when a file comes that is shorter than announced', async () => {
    await store.put('a', small);
    // What is announced is as long as the file; the answer is ended properly, as by a proxy that lost the rest.
    fate = ({ method }) =>
      method === 'GET'
        ? { headers: { 'content-length': '12' }, change: (body) => body.subarray(0, 7) }
        : 'pass';
    await expect(store.open('a').then(buffer)).rejects.toMatchObject(away);
  });
});

describe('a store in a bucket names what the settings lack', () => {
  const refuse = (status: number, code: string) => () => ({ status, code });

  it.each(all)('in a %s that is denied', async (_, ask) => {
    fate = refuse(403, 'AccessDenied');
    await expect(ask(store)).rejects.toMatchObject({ kind: 'config', code: 'store_denied' });
    expect(proxy.seen).toHaveLength(1);
  });

  it.each([
    [403, 'InvalidAccessKeyId', 'store_denied'],
    [403, 'SignatureDoesNotMatch', 'store_denied'],
    [400, 'ExpiredToken', 'store_denied'],
    [403, 'RequestTimeTooSkewed', 'store_denied'],
    [404, 'NoSuchBucket', 'store_not_found'],
    [301, 'PermanentRedirect', 'store_not_found'],
    [400, 'AuthorizationHeaderMalformed', 'store_not_found'],
    [400, 'InvalidRequest', 'store_refused'],
    [501, 'NotImplemented', 'store_refused'],
  ])('when the server answers %i %s', async (status, code, expected) => {
    fate = refuse(status, code);
    await expect(store.put('a', small)).rejects.toMatchObject({ kind: 'config', code: expected });
  });

  it.each([
    [400, 'RequestTimeout'],
    [400, 'BadDigest'],
    [409, 'OperationAborted'],
    [429, 'TooManyRequests'],
  ])('and waits for what passes: %i %s', async (status, code) => {
    fate = refuse(status, code);
    await expect(store.put('a', small)).rejects.toMatchObject(away);
  });

  it('when the key is not known there', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'NOBODY');
    await expect(store.list('a')).rejects.toMatchObject({
      kind: 'config',
      code: 'store_denied',
      detail: expect.not.stringMatching(/S3RVER|NOBODY/),
    });
  });

  it('when there is no key at all', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined);
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(directory, 'none'));
    vi.stubEnv('AWS_CONFIG_FILE', join(directory, 'none'));
    await expect(store.list('a')).rejects.toMatchObject({ kind: 'config', code: 'store_denied' });
    expect(proxy.seen).toEqual([]);
  });

  it('when there is no region', async () => {
    vi.stubEnv('AWS_CONFIG_FILE', join(directory, 'none'));
    await expect(open({ endpoint: undefined }).list('a')).rejects.toMatchObject({
      kind: 'config',
      code: 'store_not_found',
      detail: expect.stringMatching(/Region is missing.*QM_S3_REGION/),
    });
  });

  it('but bears a server that does not tell of its uploads', async () => {
    fate = refuse(501, 'NotImplemented');
    await store.sweep?.('a');
  });
});

describe('a store in a bucket believes no server', () => {
  it('and sends the SHA-256 of everything', async () => {
    await store.put('a', small);
    await store.put('b', large);
    const puts = sentBy('PUT');
    expect(puts).toHaveLength(4);
    for (const { headers, body } of puts) expect(headers['x-amz-checksum-sha256']).toBe(sha256(body));
    expect(sentBy('POST')[0]?.headers).toMatchObject({ 'x-amz-checksum-algorithm': 'SHA256' });
    expect(sentBy('POST')[1]?.body.toString()).toContain(
      `<ChecksumSHA256>${sha256(puts[1]?.body ?? Buffer.of())}<`,
    );
  });

  it.each([
    ['a file', () => small],
    ['a part', () => large],
  ])('that answers with another SHA-256 for %s', async (_, file) => {
    fate = ({ method }) =>
      method === 'PUT' ? { headers: { 'x-amz-checksum-sha256': sha256(Buffer.of(1)) } } : 'pass';
    await expect(store.put('a', file())).rejects.toMatchObject({
      ...away,
      detail: expect.stringContaining('the SHA-256 of what arrived is'),
    });
    expect(await s3.countUploads(prefix)).toBe(0);
  });

  it('that has put the parts together in another way', async () => {
    const sum = `<ChecksumSHA256>${sha256(Buffer.of(1))}-3</ChecksumSHA256></CompleteMultipartUploadResult>`;
    const change = (body: Buffer) =>
      Buffer.from(body.toString().replace('</CompleteMultipartUploadResult>', sum));
    fate = ({ method, url }) => (method === 'POST' && /uploadId=/.test(url) ? { change } : 'pass');
    await expect(store.put('a', large)).rejects.toMatchObject(away);
  });

  it('that says it stored the file and has none', async () => {
    fate = ({ method }) => (method === 'PUT' ? { status: 200, headers: { etag: '"1"' } } : 'pass');
    await expect(store.put('a', small)).rejects.toMatchObject({
      ...away,
      detail: expect.stringContaining('it says that the file was stored, and has none'),
    });
  });

  it('that says it stored the file and has the one that was there', async () => {
    await store.put('a', large);
    fate = ({ method }) => (method === 'PUT' ? { status: 200, headers: { etag: '"1"' } } : 'pass');
    await expect(store.put('a', small)).rejects.toMatchObject(away);
  });

  it('that has only a part of it', async () => {
    fate = ({ method }) => (method === 'HEAD' ? { headers: { 'content-length': '3' } } : 'pass');
    await expect(store.put('a', small)).rejects.toMatchObject({
      ...away,
      detail: expect.stringContaining('it has 3 bytes'),
    });
  });
});

describe('a large file', () => {
  it('is sent in parts, of which only some are in memory', async () => {
    let under = 0;
    let most = 0;
    fate = async (request): Promise<Fate> => {
      if (!isPart(request)) return 'pass';
      most = Math.max(most, ++under);
      // The others that may come do so meanwhile.
      await new Promise((resolve) => setImmediate(resolve));
      under--;
      return 'pass';
    };
    await store.put('a', large);
    expect(most).toBeLessThanOrEqual(2);
    expect(proxy.seen.filter(isPart).map(({ body }) => body.length)).toEqual([5 * MIB, 5 * MIB, 2 * MIB]);
  });

  it('leaves no parts behind when one of them fails', async () => {
    fate = (request) =>
      isPart(request) && /partNumber=2&/.test(request.url) ? { status: 403, code: 'AccessDenied' } : 'pass';
    await expect(store.put('a', large)).rejects.toMatchObject({ code: 'store_denied' });
    expect(sentBy('DELETE')).toHaveLength(1);
    expect(await s3.countUploads(prefix)).toBe(0);
    expect(await store.stat('a')).toBeUndefined();
  });

  it('tells of the first failure, whatever comes of taking the parts away', async () => {
    fate = (request) =>
      isPart(request) ? { status: 403, code: 'AccessDenied' } : request.method === 'DELETE' ? 'cut' : 'pass';
    await expect(store.put('a', large)).rejects.toMatchObject({ code: 'store_denied' });
    fate = () => 'pass';
    expect(await s3.countUploads(prefix)).toBe(1);
    await store.sweep?.('elsewhere');
    expect(await s3.countUploads(prefix)).toBe(1);
  });
});

describe('what is asked of the bucket', () => {
  const kept = { sse: 'aws:kms', kmsKey: 'alias/books', lockMode: 'COMPLIANCE', lockDays: 3650 } as const;
  const answers = { 'x-amz-server-side-encryption': 'aws:kms', 'x-amz-object-lock-mode': 'COMPLIANCE' };
  const asked = {
    'x-amz-server-side-encryption': 'aws:kms',
    'x-amz-server-side-encryption-aws-kms-key-id': 'alias/books',
    'x-amz-object-lock-mode': 'COMPLIANCE',
    'x-amz-object-lock-retain-until-date': '2036-05-02T12:00:00Z',
  };

  it('goes with the request that makes the file, and with no other', async () => {
    const keeping = open(kept);
    fate = ({ method }) => (method === 'HEAD' ? { headers: answers } : 'pass');
    await keeping.put('a', small);
    await keeping.put('b', large);
    const making = proxy.seen.filter(({ method, url }) =>
      method === 'PUT' ? !/partNumber/.test(url) : /uploads/.test(url),
    );
    expect(making).toHaveLength(2);
    for (const { headers } of making) expect(headers).toMatchObject(asked);
    for (const { headers } of proxy.seen.filter((request) => !making.includes(request))) {
      expect(Object.keys(headers).filter((name) => /lock|encryption/.test(name))).toEqual([]);
    }
  });

  it('locks a file that is only a probe for a minute', async () => {
    fate = ({ method }) => (method === 'HEAD' ? { headers: answers } : 'pass');
    await open(kept).put('a', small, { probe: true });
    expect(sentBy('PUT')[0]?.headers['x-amz-object-lock-retain-until-date']).toBe('2026-05-05T12:01:00Z');
  });

  it('is nothing by default', async () => {
    await store.put('a', small);
    await store.put('b', large);
    const names = proxy.seen.flatMap(({ headers }) => Object.keys(headers));
    expect(names.filter((name) => /lock|encryption/.test(name))).toEqual([]);
  });

  it('has to be done: a server that ignores it is refused', async () => {
    await expect(open({ sse: 'AES256' }).put('a', small)).rejects.toMatchObject({
      kind: 'config',
      code: 'store_refused',
      detail: expect.stringContaining('did not encrypt it as QM_S3_SSE=AES256 asks'),
    });
    await expect(open({ lockMode: 'GOVERNANCE', lockDays: 1 }).put('a', small)).rejects.toMatchObject({
      kind: 'config',
      code: 'store_refused',
      detail: expect.stringContaining('did not lock it as QM_S3_LOCK_MODE=GOVERNANCE asks'),
    });
  });
});

describe('the connections of a store', () => {
  it('are let go of when it is closed', async () => {
    await store.list('a');
    await store.put('a', large);
    await store.close?.();
    await proxy.deserted();
  });
});
