import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Finding } from '../../src/cli/doctor/finding.ts';
import { judgeNode } from '../../src/cli/doctor/process.ts';
import { unfitting } from '../../src/cli/doctor/settings.ts';
import { readConfig } from '../../src/platform/config.ts';
import { breaks, findingOf, findingsOf, runAlone } from './doctor.ts';

const away = { QM_DATABASE_URL: 'postgres://app:secret@127.0.0.1:1/none' };
const MIB = 1024 ** 2;

let directory: string;
/** A disk of one MiB; undefined where we may not mount one. */
let small: string | undefined;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'test-doctor-'));
  const place = await mkdtemp(join(tmpdir(), 'test-doctor-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', place], { stdio: 'ignore' });
    small = place;
  } catch {
    await rm(place, { recursive: true });
  }
});
afterAll(async () => {
  if (small !== undefined) {
    execFileSync('umount', [small]);
    await rm(small, { recursive: true });
  }
  await rm(directory, { recursive: true });
});

/** A directory without room: really, where that can be. */
function full(): { place: string; machine: { free?: () => Promise<number> } } {
  return small === undefined
    ? { place: directory, machine: { free: async () => MIB } }
    : { place: small, machine: {} };
}

describe('of the settings and the machine, with the database away,', () => {
  it('nothing is wrong where nothing is', async () => {
    const env = {
      ...away,
      QM_STORE: pathToFileURL(directory).href,
      QM_CACHE_DIR: directory,
      QM_CACHE_MAX_MIB: '1',
    };
    const names = ['settings', 'settings-fit', 'listen-address', 'encryption', 'node-version', 'memory'];
    names.push('open-files', 'temporary-space', 'cache-space', 'store-space', 'store-permissions');
    const findings = await findingsOf({ env, limits: { freeAdvice: MIB, freeFailed: MIB } }, ...names);
    expect(findings.map(({ name, outcome }) => [name, outcome])).toEqual(names.map((name) => [name, 'ok']));
  });

  it('a file system that hangs keeps nobody: the doctor tells of it and ends', async () => {
    // The kernel says of a directory below /proc that it is not there, and Node makes the one above it for ever.
    const hangs = { QM_CACHE_DIR: '/proc/nope/cache', QM_STORE: 'file:///proc/nope' };
    const names = ['cache-space', 'store-directory', 'store'];
    const args = ['doctor', '--json', ...names.flatMap((name) => ['--only', name])];
    const { code, out } = await runAlone(args, { ...away, ...hangs });
    expect(code).toBe(78);
    const findings = JSON.parse(out) as Finding[];
    expect(findings.map(({ name, outcome }) => [name, outcome])).toEqual([
      ['cache-space', 'failed'],
      ['store-directory', 'advice'],
      ['store', 'skipped'],
    ]);
  });
  breaks('store-directory', 'a file system that does not answer', () => ({
    env: { ...away, QM_STORE: 'file:///mnt/books' },
    machine: { isThere: () => Promise.reject(new Error('its file system did not answer within 5 s')) },
    outcome: 'failed',
    found: /^\/mnt\/books cannot be looked at: its file system did not answer/,
  }));

  breaks('settings', 'a value that may not be, and a name that is none', () => ({
    env: { QM_PORT: 'many', QM_DATABSE_URL: 'x' },
    outcome: 'failed',
    found: /QM_PORT must be the port.*\n?.*QM_DATABSE_URL: there is no such setting/s,
  }));
  it('what needs them says that it was not asked, and what does not is asked', async () => {
    const findings = await findingsOf({ env: { QM_PORT: 'many' } });
    const of = (name: string) => findings.find((finding) => finding.name === name);
    expect(of('database-answers')).toMatchObject({ outcome: 'skipped', why: '`settings` has failed.' });
    expect(of('schema')).toMatchObject({ outcome: 'skipped', why: '`settings` has failed.' });
    expect(of('temporary-space')?.outcome).not.toBe('skipped');
  });

  breaks('settings-fit', 'a drop by schedule of what is archived by hand', () => ({
    env: { ...away, QM_ARCHIVE_QUARTERS: 'off', QM_DROP_QUARTERS: 'on' },
    outcome: 'advice',
    found: /QM_ARCHIVE_QUARTERS is off and QM_DROP_QUARTERS is on/,
    advice: /QM_DROP_QUARTERS=off/,
  }));
  it.each([
    [{ QM_DROP_AFTER_DAYS: '0' }, /QM_DROP_AFTER_DAYS is 0/],
    [{ QM_CREATE_QUARTERS: 'off' }, /QM_CREATE_QUARTERS is off/],
    [{ QM_PREMAKE_QUARTERS: '1' }, /QM_PREMAKE_QUARTERS is 1/],
    [{ QM_CLOSE_AFTER_DAYS: '120' }, /QM_CLOSE_AFTER_DAYS is 120/],
    [{ QM_ONLINE_QUARTERS: '1' }, /QM_ONLINE_QUARTERS is 1/],
    [{ QM_POOL_MAX: '3', QM_REFRESH_PARALLEL: '4' }, /QM_REFRESH_PARALLEL is 4 and QM_POOL_MAX 3/],
    [{ QM_FIXITY_DAYS: '900' }, /QM_FIXITY_DAYS is 900/],
  ])('settings that go against each other are told: %o', (env, found) => {
    expect(unfitting(readConfig({ ...away }))).toEqual([]);
    const faults = unfitting(readConfig({ ...away, ...env }));
    expect(faults).toEqual([
      { outcome: 'advice', found: expect.stringMatching(found), advice: expect.stringMatching(/\w/) },
    ]);
  });

  breaks('listen-address', 'an open address on a machine of its own', () => ({
    env: { ...away, QM_HOST: '0.0.0.0' },
    machine: { isContained: () => false },
    outcome: 'advice',
    found: /QM_HOST is 0\.0\.0\.0/,
  }));
  it('an open address is right in a container', async () => {
    const setup = { env: { ...away, QM_HOST: '0.0.0.0' }, machine: { isContained: () => true } };
    expect(await findingOf(setup, 'listen-address')).toMatchObject({ outcome: 'ok' });
  });

  breaks('encryption', 'a way to another machine without TLS', () => ({
    env: { ...away, QM_REPLICA_URL: 'postgres://a:secret@192.0.2.1/ledger' },
    outcome: 'failed',
    found: /^QM_REPLICA_URL leads to 192\.0\.2\.1 without TLS\.$/,
    advice: /sslmode=verify-full/,
  }));

  breaks('encryption', 'a store on another machine without TLS', () => ({
    env: { ...away, QM_STORE: 's3://bucket/books', QM_S3_ENDPOINT: 'http://s3.example.com' },
    outcome: 'failed',
    found: /^QM_S3_ENDPOINT leads to s3\.example\.com without TLS\.$/,
    advice: /https/,
  }));

  breaks('node-version', 'a Node that is too old', () => ({
    env: away,
    machine: { node: '20.11.1' },
    outcome: 'failed',
    found: /20\.11\.1/,
  }));
  it('knows which Node is which', () => {
    expect(judgeNode('22.21.0')?.outcome).toBe('failed');
    expect(judgeNode('23.1.0')?.outcome).toBe('advice');
    for (const good of ['22.22.0', '24.0.0', '24.21.0']) expect(judgeNode(good)).toBeUndefined();
  });

  breaks('memory', 'a container that is too small for an archive', () => ({
    env: away,
    machine: { memoryLimit: () => 512 * MIB },
    outcome: 'advice',
    found: /512\.0 MiB.*1\.0 GiB/,
  }));
  it('the API needs less memory', async () => {
    const setup = { env: away, as: 'api', machine: { memoryLimit: () => 512 * MIB } } as const;
    expect(await findingOf(setup, 'memory')).toMatchObject({ outcome: 'ok' });
  });

  breaks('open-files', 'a low limit', () => ({
    env: away,
    machine: { openFiles: () => 256 },
    outcome: 'advice',
    found: /256/,
    advice: /ulimit/,
  }));

  breaks('temporary-space', 'a directory that cannot be written', async () => {
    const file = join(directory, 'no-directory');
    await writeFile(file, '');
    return {
      env: away,
      machine: { temporary: () => join(file, 'tmp') },
      outcome: 'failed',
      found: /no-directory\/tmp, cannot be written/,
    };
  });
  breaks('temporary-space', 'a disk that is full', () => {
    const { place, machine } = full();
    return {
      env: away,
      machine: { ...machine, temporary: () => place },
      outcome: 'failed',
      found: /1\.0 MiB free/,
    };
  });
  breaks('cache-space', 'a disk that is full', () => {
    const { place, machine } = full();
    return {
      env: { ...away, QM_CACHE_DIR: place },
      machine,
      outcome: 'failed',
      found: /QM_CACHE_DIR.*1\.0 MiB free/,
    };
  });
  breaks('cache-space', 'less room than may be filled', () => ({
    env: { ...away, QM_CACHE_DIR: directory, QM_CACHE_MAX_MIB: '99999999' },
    limits: { freeAdvice: 1, freeFailed: 1 },
    outcome: 'advice',
    found: /up to 95\.4 TiB may be kept/,
  }));
  breaks('cache-space', 'a place that is a file', async () => {
    const file = join(directory, 'file');
    await writeFile(file, '');
    return { env: { ...away, QM_CACHE_DIR: file }, outcome: 'failed', found: /cannot be written/ };
  });
  breaks('store-space', 'a disk that is full', () => {
    const { place, machine } = full();
    const env = { ...away, QM_STORE: pathToFileURL(join(place, 'not', 'yet')).href };
    return { env, machine, outcome: 'failed', found: /1\.0 MiB free/ };
  });
  breaks('store-permissions', 'a directory that everybody may write to', async () => {
    const store = await mkdtemp(join(directory, 'store-'));
    await chmod(store, 0o777);
    return {
      env: { ...away, QM_STORE: pathToFileURL(store).href },
      outcome: 'failed',
      found: /permissions 777: everybody may write/,
    };
  });
  breaks('store-permissions', 'a directory that everybody may read, on a machine of its own', async () => {
    const store = await mkdtemp(join(directory, 'store-'));
    await chmod(store, 0o755);
    return {
      env: { ...away, QM_STORE: pathToFileURL(store).href },
      machine: { isContained: () => false },
      outcome: 'advice',
      found: /permissions 755/,
    };
  });
});
