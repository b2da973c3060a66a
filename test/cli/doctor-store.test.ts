import { readdir } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommandLine } from '../../src/cli/program.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createEntry } from '../../src/main/entry.ts';
import { readConfig } from '../../src/platform/config.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startS3, type TestS3 } from '../support/s3.ts';

let home: TestDatabase;
let s3: TestS3;

beforeAll(async () => {
  home = await createDatabase();
  s3 = await startS3();
});

afterAll(async () => {
  await s3?.stop();
  await home?.drop();
});

/** What the doctor finds of a store. */
async function findingOf(store: Record<string, string>) {
  const out = new PassThrough();
  const entry = createEntry({ version: '1.2.3', clock: systemClock, signal: new AbortController().signal });
  const env = { QM_DATABASE_URL: home.url, QM_S3_ENDPOINT: s3.endpoint, QM_S3_PATH_STYLE: 'on', ...store };
  const kit = { entry: { ...entry, readConfig: () => readConfig(env) }, out, err: new PassThrough() };
  await runCommandLine(kit, ['doctor', '--json']);
  const findings = JSON.parse(String(out.read())) as { check: string; outcome: string; advice?: string }[];
  return findings.find(({ check }) => check === 'the store keeps what it is given');
}

describe('the doctor', () => {
  it('finds a bucket well, and leaves nothing in it', async () => {
    expect(await findingOf({ QM_STORE: `s3://${s3.bucket}/books` })).toEqual({
      check: 'the store keeps what it is given',
      outcome: 'ok',
    });
    expect(await readdir(s3.directory)).toEqual([]);
  });

  it('finds it well while others look, too', async () => {
    const all = await Promise.all(
      Array.from({ length: 3 }, () => findingOf({ QM_STORE: `s3://${s3.bucket}/books` })),
    );
    expect(all.map((one) => one?.outcome)).toEqual(['ok', 'ok', 'ok']);
  });

  it('says what is wrong with one, and what to do', async () => {
    expect(await findingOf({ QM_STORE: 's3://elsewhere/books' })).toMatchObject({
      outcome: 'failed',
      advice: expect.stringMatching(
        /s3:\/\/elsewhere\/books could not store .doctor\/probe.*See that QM_STORE names/,
      ),
    });
    const locked = { QM_S3_LOCK_MODE: 'GOVERNANCE', QM_S3_LOCK_DAYS: '365' };
    expect(await findingOf({ QM_STORE: `s3://${s3.bucket}`, ...locked })).toMatchObject({
      outcome: 'failed',
      advice: expect.stringContaining('did not lock it as QM_S3_LOCK_MODE=GOVERNANCE asks'),
    });
    expect(await readdir(s3.directory)).toEqual([]);
  });
});
