import { execFileSync } from 'node:child_process';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startS3, type TestS3 } from '../support/s3.ts';
import { type S3Request, startS3Proxy } from '../support/s3-proxy.ts';
import { breaks, findingOf, findingsOf, runAlone } from './doctor.ts';
import { soundHouse } from './doctor-house.ts';

let s3: TestS3;

beforeAll(async () => {
  s3 = await startS3();
});
afterAll(() => s3?.stop());

/** With a database that is away, which is nothing to a store. */
const env = (more: Record<string, string> = {}) => ({
  ...{ QM_DATABASE_URL: 'postgres://app:secret@127.0.0.1:1/none', QM_STORE: `s3://${s3.bucket}/books` },
  ...{ QM_S3_ENDPOINT: s3.endpoint, QM_S3_PATH_STYLE: 'on', ...more },
});

/** The same behind something that does harm to some requests. */
async function behind(fateOf: Parameters<typeof startS3Proxy>[1], more = {}) {
  const proxy = await startS3Proxy(s3.endpoint, fateOf);
  onTestFinished(() => proxy.stop());
  return env({ QM_S3_ENDPOINT: proxy.endpoint, ...more });
}

const refused = { status: 403, code: 'AccessDenied' } as const;
const isList = ({ method, url }: S3Request) => method === 'GET' && url.includes('list-type=2');

describe('a store', () => {
  it('is well, and nothing is left in it', async () => {
    expect(await findingOf({ env: env() }, 'store')).toMatchObject({ outcome: 'ok' });
    expect(await readdir(s3.directory)).toEqual([]);
  });
  it('is well while others look, too', async () => {
    const all = await Promise.all([1, 2, 3].map(() => findingOf({ env: env() }, 'store')));
    expect(all.map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'ok']);
  });

  breaks('store', 'a bucket that is not there', () => ({
    env: env({ QM_STORE: 's3://elsewhere/books' }),
    outcome: 'failed',
    found: /s3:\/\/elsewhere\/books could not store .doctor-[^ ]*\/probe.*See that QM_STORE names/,
  }));
  breaks('store', 'a lock that the bucket does not keep', () => ({
    env: env({ QM_S3_LOCK_MODE: 'GOVERNANCE', QM_S3_LOCK_DAYS: '365' }),
    outcome: 'failed',
    found: /did not lock it as QM_S3_LOCK_MODE=GOVERNANCE asks/,
  }));
  breaks('store', 'nobody at the endpoint', () => ({
    env: env({ QM_S3_ENDPOINT: 'http://127.0.0.1:1' }),
    outcome: 'failed',
    found: /ECONNREFUSED/,
  }));
  breaks('store', 'a bucket in the name of a host that nobody knows', () => ({
    env: env({ QM_S3_ENDPOINT: 'http://s3.invalid', QM_S3_PATH_STYLE: 'off' }),
    outcome: 'failed',
    found: /s3\.invalid/,
    advice: /QM_S3_PATH_STYLE=on/,
  }));
  breaks('store', 'credentials that are refused', async () => ({
    env: await behind(() => ({ status: 403, code: 'InvalidAccessKeyId' })),
    outcome: 'failed',
    found: /InvalidAccessKeyId.*credentials/,
  }));
  breaks('store', 'one that may be read only', async () => ({
    env: await behind(({ method }) => (method === 'PUT' ? refused : 'pass')),
    outcome: 'failed',
    found: /could not store.*AccessDenied/,
  }));
  breaks('store', 'one that gives something else back', async () => ({
    env: await behind((request) =>
      request.method === 'GET' && !isList(request) ? { change: () => Buffer.from('other') } : 'pass',
    ),
    outcome: 'failed',
    found: /did not give back what was put there/,
  }));
  breaks('store', 'one that does not list', async () => ({
    env: await behind((request) => (isList(request) ? refused : 'pass')),
    outcome: 'failed',
    found: /could not list/,
  }));
  breaks('store', 'one in which nothing can be removed', async () => ({
    env: await behind(({ method }) => (method === 'DELETE' ? refused : 'pass')),
    outcome: 'advice',
    found: /keeps what is to be removed/,
    advice: /s3:DeleteObject/,
  }));
  breaks('store', 'a directory that is a file', async () => {
    const { env: own, store } = await soundHouse();
    await writeFile(join(store, 'file'), '');
    return { env: { ...own, QM_STORE: `${own.QM_STORE}/file` }, outcome: 'failed', found: /could not store/ };
  });
  it('on a disk is well, and nothing is left in it', async () => {
    const { env: own, store } = await soundHouse();
    expect(await findingOf({ env: own }, 'store')).toMatchObject({ outcome: 'ok' });
    expect(await readdir(store)).toEqual([]);
  });
  it('on a disk that is not there yet is not made to look at it', async () => {
    const { env: own, store } = await soundHouse();
    await rm(store, { recursive: true });
    const names = ['store-directory', 'store-space', 'store'];
    const findings = await findingsOf({ env: own }, ...names);
    expect(findings.map(({ outcome }) => outcome)).toEqual(['advice', 'ok', 'skipped']);
    expect(findings[0]?.found).toBe(`${store} is not there yet: the first archive makes it.`);
    await expect(readdir(store)).rejects.toMatchObject({ code: 'ENOENT' });
  });
  breaks('store-clock', 'a server that lives in the past', async () => ({
    env: await behind(() => ({ headers: { date: 'Thu, 01 Jan 2015 00:00:00 GMT' } })),
    outcome: 'failed',
    found: /The clock of the store and the one here are \d+ s apart/,
  }));
  it('store-clock is well where the clocks agree', async () => {
    expect(await findingOf({ env: env() }, 'store-clock')).toMatchObject({ outcome: 'ok' });
  });
});

describe('archives', () => {
  const archived = `
    UPDATE quartermaster.quarters SET state = 'dropped' WHERE quarter = (SELECT min(quarter) FROM quartermaster.quarters);
    INSERT INTO quartermaster.archives (quarter, location, format_version, manifest_sha256, digest, rows, bytes, written_at)
    SELECT min(quarter), 'gone', 1, repeat('a', 64), repeat('b', 64), 1, 1, now() FROM quartermaster.quarters`;

  breaks('store-directory', 'a volume that is not mounted', async () => {
    const { env: own, sql, store } = await soundHouse();
    await sql(archived);
    await rm(store, { recursive: true });
    return {
      env: own,
      outcome: 'failed',
      found: /is not there, and 1 archives were written. Is it mounted, and spelled right\?/,
    };
  });
  breaks('archives-present', 'an archive that is in no store', async () => {
    const { env: own, sql } = await soundHouse();
    await sql(archived);
    return {
      env: own,
      outcome: 'failed',
      found: /\d{4}q\d of the 1 newest are missing in file:.*\/ledger\. \d{4}q\d is in no other place/,
    };
  });
  breaks('archives-present', 'a manifest that is another one', async () => {
    const { env: own, sql, store } = await soundHouse();
    await sql(archived);
    const [row] = await sql('SELECT quarter FROM quartermaster.archives');
    await mkdir(join(store, 'ledger', String(row?.quarter)), { recursive: true });
    await writeFile(join(store, 'ledger', String(row?.quarter), 'manifest.json'), '{}');
    return {
      env: own,
      outcome: 'failed',
      found: /the manifest of \d{4}q\d there is not the one that was written/,
    };
  });
  it('that nobody can read to the end keep no process from ending', async () => {
    const { env: own, sql, store } = await soundHouse();
    await sql(archived);
    const [row] = await sql('SELECT quarter FROM quartermaster.archives');
    const folder = join(store, 'ledger', String(row?.quarter));
    await mkdir(folder, { recursive: true });
    // Whoever opens it waits until somebody writes to it, as on a file system that hangs.
    execFileSync('mkfifo', [join(folder, 'manifest.json')]);
    const { code, out } = await runAlone(['doctor', '--json', '--only', 'archives-present'], own);
    expect(code).toBe(78);
    expect(JSON.parse(out)).toMatchObject([
      { outcome: 'failed', found: expect.stringContaining('no answer within') },
    ]);
  });
  breaks('archives-own', 'a folder in which another database writes', async () => {
    const { env: own, store } = await soundHouse();
    await mkdir(join(store, 'ledger', '2019q1'), { recursive: true });
    await writeFile(join(store, 'ledger', '2019q1', 'manifest.json'), '{}');
    return { env: own, outcome: 'failed', found: /ledger holds archives of 2019q1/, advice: /QM_LEDGER_SET/ };
  });
  it('are not asked for where the store is away, and all else is', async () => {
    const { env: own } = await soundHouse();
    const away = {
      ...own,
      QM_STORE: 's3://bucket/books',
      QM_S3_ENDPOINT: 'http://127.0.0.1:1',
      QM_S3_PATH_STYLE: 'on',
    };
    const findings = await findingsOf({ env: away }, 'grants', 'archives-present', 'quarters');
    expect(findings.map(({ name, outcome }) => [name, outcome])).toEqual([
      ['grants', 'ok'],
      ['archives-present', 'skipped'],
      ['quarters', 'ok'],
    ]);
  });
});
