import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it, vi } from 'vitest';
import type { Store } from '../../src/archive/store.ts';
import { MIB, unreachable, useFaultyBucket } from './s3-faulty-bucket.ts';

const bucket = useFaultyBucket();

/** Everything that can be asked of a bucket.store. */
const all: readonly [string, (store: Store) => Promise<unknown>][] = [
  ['put', (one) => one.put('a/b', bucket.small)],
  ['put of parts', (one) => one.put('a/b', bucket.large)],
  ['open', (one) => one.open('a/b')],
  ['stat', (one) => one.stat('a/b')],
  ['list', (one) => one.list('a')],
  ['remove', (one) => one.remove('a/b')],
  ['sweep', async (one) => one.sweep?.('a')],
];

describe('a store in a bucket bears', () => {
  it('a server that answers 503 every third time', async () => {
    let asked = 0;
    bucket.fate = () => (++asked % 3 === 0 ? { status: 503, code: 'SlowDown' } : 'pass');
    await bucket.store.put('a/large', bucket.large);
    await bucket.store.put('a/small', bucket.small);
    expect(await bucket.store.list('a')).toHaveLength(2);
    expect((await buffer(await bucket.store.open('a/large'))).length).toBe(12 * MIB);
  });

  it('a connection that is lost once', async () => {
    let cut = 0;
    bucket.fate = () => (cut++ === 0 ? 'cut' : 'pass');
    expect(await bucket.store.put('a', bucket.small)).toEqual({ path: 'a', bytes: 12 });
  });
});

describe('a store in a bucket says that it cannot be reached', () => {
  it.each(all)('in a %s, while the server fails', async (_, ask) => {
    bucket.fate = () => ({ status: 500, code: 'InternalError' });
    await expect(ask(bucket.store)).rejects.toMatchObject(unreachable);
    expect(bucket.proxy.seen).toHaveLength(2);
  });

  it.each(all)('in a %s, while every connection is lost', async (_, ask) => {
    bucket.fate = () => 'cut';
    await expect(ask(bucket.store)).rejects.toMatchObject(unreachable);
  });

  it.each(all)('in a %s, when nothing is answered', async (_, ask) => {
    bucket.fate = () => 'hang';
    await expect(ask(bucket.open({}, { attempts: 1, idleMs: 100 }))).rejects.toMatchObject(unreachable);
  });

  it('when nobody listens', async () => {
    const nowhere = bucket.open({ endpoint: 'http://127.0.0.1:1' }, { attempts: 1 });
    await expect(nowhere.list('a')).rejects.toMatchObject(unreachable);
  });

  it('when the connection is lost in the middle of a file', async () => {
    await bucket.store.put('a', bucket.large);
    bucket.fate = ({ method }) => (method === 'GET' ? { cutAfter: 3 * MIB } : 'pass');
    await expect(buffer(await bucket.store.open('a'))).rejects.toMatchObject({
      ...unreachable,
      detail: expect.stringContaining('could not read a'),
    });
  });

  it('when the server falls silent in the middle of a file', async () => {
    const impatient = bucket.open({}, { idleMs: 1000, attempts: 5 });
    await impatient.put('a', bucket.small);
    bucket.fate = ({ method }) => (method === 'GET' ? { hangAfter: 5 } : 'pass');
    await expect(buffer(await impatient.open('a'))).rejects.toMatchObject(unreachable);
  });

  it('when a file comes that is shorter than announced', async () => {
    await bucket.store.put('a', bucket.small);
    // What is announced is as long as the file; the answer is ended properly, as by a proxy that lost the rest.
    bucket.fate = ({ method }) =>
      method === 'GET'
        ? { headers: { 'content-length': '12' }, change: (body) => body.subarray(0, 7) }
        : 'pass';
    await expect(bucket.store.open('a').then(buffer)).rejects.toMatchObject(unreachable);
  });
});

describe('a store in a bucket names what the settings lack', () => {
  const refuse = (status: number, code: string) => () => ({ status, code });

  it.each(all)('in a %s that is denied', async (_, ask) => {
    bucket.fate = refuse(403, 'AccessDenied');
    await expect(ask(bucket.store)).rejects.toMatchObject({ kind: 'config', code: 'store_denied' });
    expect(bucket.proxy.seen).toHaveLength(1);
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
    bucket.fate = refuse(status, code);
    await expect(bucket.store.put('a', bucket.small)).rejects.toMatchObject({
      kind: 'config',
      code: expected,
    });
  });

  it.each([
    [400, 'RequestTimeout'],
    [400, 'BadDigest'],
    [409, 'OperationAborted'],
    [429, 'TooManyRequests'],
  ])('and waits for what passes: %i %s', async (status, code) => {
    bucket.fate = refuse(status, code);
    await expect(bucket.store.put('a', bucket.small)).rejects.toMatchObject(unreachable);
  });

  it('when the key is not known there', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'NOBODY');
    await expect(bucket.store.list('a')).rejects.toMatchObject({
      kind: 'config',
      code: 'store_denied',
      detail: expect.not.stringMatching(/S3RVER|NOBODY/),
    });
  });

  it('when there is no key at all', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined);
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(bucket.directory, 'none'));
    vi.stubEnv('AWS_CONFIG_FILE', join(bucket.directory, 'none'));
    await expect(bucket.store.list('a')).rejects.toMatchObject({ kind: 'config', code: 'store_denied' });
    expect(bucket.proxy.seen).toEqual([]);
  });

  it('when there is no region', async () => {
    vi.stubEnv('AWS_CONFIG_FILE', join(bucket.directory, 'none'));
    await expect(bucket.open({ endpoint: undefined }).list('a')).rejects.toMatchObject({
      kind: 'config',
      code: 'store_not_found',
      detail: expect.stringMatching(/Region is missing.*QM_S3_REGION/),
    });
  });

  it('but bears a server that does not tell of its uploads', async () => {
    bucket.fate = refuse(501, 'NotImplemented');
    await bucket.store.sweep?.('a');
  });
});
