import { describe, expect, it } from 'vitest';
import type { Fate, S3Request } from '../support/s3-proxy.ts';
import { MIB, sha256, unreachable, useFaultyBucket } from './s3-faulty-bucket.ts';

const bucket = useFaultyBucket();
const isPart = ({ url }: S3Request) => /partNumber=/.test(url);

describe('a store in a bucket believes no server', () => {
  it('and sends the SHA-256 of everything', async () => {
    await bucket.store.put('a', bucket.small);
    await bucket.store.put('b', bucket.large);
    const puts = bucket.sentBy('PUT');
    expect(puts).toHaveLength(4);
    for (const { headers, body } of puts) expect(headers['x-amz-checksum-sha256']).toBe(sha256(body));
    expect(bucket.sentBy('POST')[0]?.headers).toMatchObject({ 'x-amz-checksum-algorithm': 'SHA256' });
    expect(bucket.sentBy('POST')[1]?.body.toString()).toContain(
      `<ChecksumSHA256>${sha256(puts[1]?.body ?? Buffer.of())}<`,
    );
  });

  it.each([
    ['a file', () => bucket.small],
    ['a part', () => bucket.large],
  ])('that answers with another SHA-256 for %s', async (_, file) => {
    bucket.fate = ({ method }) =>
      method === 'PUT' ? { headers: { 'x-amz-checksum-sha256': sha256(Buffer.of(1)) } } : 'pass';
    await expect(bucket.store.put('a', file())).rejects.toMatchObject({
      ...unreachable,
      detail: expect.stringContaining('the SHA-256 of what arrived is'),
    });
    expect(await bucket.s3.countUploads(bucket.prefix)).toBe(0);
  });

  it('that has put the parts together in another way', async () => {
    const sum = `<ChecksumSHA256>${sha256(Buffer.of(1))}-3</ChecksumSHA256></CompleteMultipartUploadResult>`;
    const change = (body: Buffer) =>
      Buffer.from(body.toString().replace('</CompleteMultipartUploadResult>', sum));
    bucket.fate = ({ method, url }) => (method === 'POST' && /uploadId=/.test(url) ? { change } : 'pass');
    await expect(bucket.store.put('a', bucket.large)).rejects.toMatchObject(unreachable);
  });

  it('that says it stored the file and has none', async () => {
    bucket.fate = ({ method }) => (method === 'PUT' ? { status: 200, headers: { etag: '"1"' } } : 'pass');
    await expect(bucket.store.put('a', bucket.small)).rejects.toMatchObject({
      ...unreachable,
      detail: expect.stringContaining('it says that the file was stored, and has none'),
    });
  });

  it('that says it stored the file and has the one that was there', async () => {
    await bucket.store.put('a', bucket.large);
    bucket.fate = ({ method }) => (method === 'PUT' ? { status: 200, headers: { etag: '"1"' } } : 'pass');
    await expect(bucket.store.put('a', bucket.small)).rejects.toMatchObject(unreachable);
  });

  it('that has only a part of it', async () => {
    bucket.fate = ({ method }) => (method === 'HEAD' ? { headers: { 'content-length': '3' } } : 'pass');
    await expect(bucket.store.put('a', bucket.small)).rejects.toMatchObject({
      ...unreachable,
      detail: expect.stringContaining('it has 3 bytes'),
    });
  });
});

describe('a large file', () => {
  it('is sent in parts, of which only some are in memory', async () => {
    let under = 0;
    let most = 0;
    bucket.fate = async (request): Promise<Fate> => {
      if (!isPart(request)) return 'pass';
      most = Math.max(most, ++under);
      // The others that may come do so meanwhile.
      await new Promise((resolve) => setImmediate(resolve));
      under--;
      return 'pass';
    };
    await bucket.store.put('a', bucket.large);
    expect(most).toBeLessThanOrEqual(2);
    expect(bucket.proxy.seen.filter(isPart).map(({ body }) => body.length)).toEqual([
      5 * MIB,
      5 * MIB,
      2 * MIB,
    ]);
  });

  it('leaves no parts behind when one of them fails', async () => {
    bucket.fate = (request) =>
      isPart(request) && /partNumber=2&/.test(request.url) ? { status: 403, code: 'AccessDenied' } : 'pass';
    await expect(bucket.store.put('a', bucket.large)).rejects.toMatchObject({ code: 'store_denied' });
    expect(bucket.sentBy('DELETE')).toHaveLength(1);
    expect(await bucket.s3.countUploads(bucket.prefix)).toBe(0);
    expect(await bucket.store.stat('a')).toBeUndefined();
  });

  it('tells of the first failure, whatever comes of taking the parts unreachable', async () => {
    bucket.fate = (request) =>
      isPart(request) ? { status: 403, code: 'AccessDenied' } : request.method === 'DELETE' ? 'cut' : 'pass';
    await expect(bucket.store.put('a', bucket.large)).rejects.toMatchObject({ code: 'store_denied' });
    bucket.fate = () => 'pass';
    expect(await bucket.s3.countUploads(bucket.prefix)).toBe(1);
    await bucket.store.sweep?.('elsewhere');
    expect(await bucket.s3.countUploads(bucket.prefix)).toBe(1);
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
    const keeping = bucket.open(kept);
    bucket.fate = ({ method }) => (method === 'HEAD' ? { headers: answers } : 'pass');
    await keeping.put('a', bucket.small);
    await keeping.put('b', bucket.large);
    const making = bucket.proxy.seen.filter(({ method, url }) =>
      method === 'PUT' ? !/partNumber/.test(url) : /uploads/.test(url),
    );
    expect(making).toHaveLength(2);
    for (const { headers } of making) expect(headers).toMatchObject(asked);
    for (const { headers } of bucket.proxy.seen.filter((request) => !making.includes(request))) {
      expect(Object.keys(headers).filter((name) => /lock|encryption/.test(name))).toEqual([]);
    }
  });

  it('is asked for again of a server that forgets it for a file in parts', async () => {
    let locked = false;
    bucket.fate = ({ method, url }) => {
      if (method === 'HEAD')
        return { headers: locked ? answers : { 'x-amz-server-side-encryption': 'aws:kms' } };
      if (!/[?&]retention/.test(url)) return 'pass';
      locked = true;
      return { status: 200 };
    };
    await bucket.open(kept).put('a', bucket.large);
    const retention = bucket.sentBy('PUT').find(({ url }) => /[?&]retention/.test(url));
    expect(retention?.body.toString()).toMatch(
      /<Mode>COMPLIANCE<\/Mode><RetainUntilDate>2036-05-02T12:00:00Z<\/RetainUntilDate>/,
    );
  });

  it('locks a file that is only a probe for a minute', async () => {
    bucket.fate = ({ method }) => (method === 'HEAD' ? { headers: answers } : 'pass');
    await bucket.open(kept).put('a', bucket.small, { probe: true });
    expect(bucket.sentBy('PUT')[0]?.headers['x-amz-object-lock-retain-until-date']).toBe(
      '2026-05-05T12:01:00Z',
    );
  });

  it('is nothing by default', async () => {
    await bucket.store.put('a', bucket.small);
    await bucket.store.put('b', bucket.large);
    const names = bucket.proxy.seen.flatMap(({ headers }) => Object.keys(headers));
    expect(names.filter((name) => /lock|encryption/.test(name))).toEqual([]);
  });

  it('has to be done: a server that ignores it is refused', async () => {
    await expect(bucket.open({ sse: 'AES256' }).put('a', bucket.small)).rejects.toMatchObject({
      kind: 'config',
      code: 'store_refused',
      detail: expect.stringContaining('did not encrypt it as QM_S3_SSE=AES256 asks'),
    });
    await expect(
      bucket.open({ lockMode: 'GOVERNANCE', lockDays: 1 }).put('a', bucket.small),
    ).rejects.toMatchObject({
      kind: 'config',
      code: 'store_refused',
      detail: expect.stringContaining('did not lock it as QM_S3_LOCK_MODE=GOVERNANCE asks'),
    });
  });
});

describe('the connections of a store', () => {
  it('are let go of when it is closed', async () => {
    await bucket.store.list('a');
    await bucket.store.put('a', bucket.large);
    await bucket.store.close?.();
    await bucket.proxy.deserted();
  });
});
