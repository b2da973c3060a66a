import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDiskStore } from '../../src/archive/disk-store.ts';
import { openStore } from '../../src/archive/open-store.ts';
import type { Store } from '../../src/archive/store.ts';
import type { Job } from './put-child.ts';
import { describeStore } from './store-contract.ts';

let directory: string;
let root: string;
let store: Store;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'test-store-'));
  root = join(directory, 'not', 'yet there');
  store = openDiskStore(root);
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function local(content: string): Promise<string> {
  const file = join(directory, 'local');
  await writeFile(file, content);
  return file;
}

const read = async (path: string) => text(await store.open(path));

describeStore('on a directory', {
  partBytes: 1024 * 1024,
  open: async () => {
    const place = await mkdtemp(join(tmpdir(), 'test-disk-'));
    const unfinished = async () =>
      (await readdir(place, { recursive: true })).filter((name) => basename(name).startsWith('.tmp-'));
    return {
      store: openDiskStore(place),
      killPut: async (path, file) => {
        const watching = watch(dirname(join(place, path)));
        const job: Job = { directory: place, path, file };
        const script = join(import.meta.dirname, 'put-child.ts');
        const child = spawn(process.execPath, [script, JSON.stringify(job)], { stdio: 'ignore' });
        await once(watching, 'change');
        child.kill('SIGKILL');
        await once(child, 'exit');
        watching.close();
      },
      countUnfinished: async () => (await unfinished()).length,
      end: () => rm(place, { recursive: true, force: true }),
    };
  },
});

describe('a store on a directory', () => {
  it('knows where its files are, and leaves no other beside them', async () => {
    await store.put('a/c/2', await local('two'));
    await store.put('a/c/2', await local('something new'));
    expect(store.localPath?.('a/c/2')).toBe(join(root, 'a/c/2'));
    expect(store.url).toBe(pathToFileURL(root).href);
    expect((await readdir(root, { recursive: true })).sort()).toEqual(['a', 'a/c', 'a/c/2']);
  });

  it('fails the reader of a file that is cut off under his eyes', async () => {
    await store.put('a', await local('x'.repeat(5_000_000)));
    const stream = await store.open('a');
    const reading = (async () => {
      for await (const _ of stream) await truncate(join(root, 'a'), 10);
    })();
    await expect(reading).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'store_failed',
      detail: expect.stringMatching(/could not read a: it ended after \d+ of 5000000 bytes/),
    });
  });

  it('shows nobody what a killed put left, and sweeps it', async () => {
    await store.put('a/b/1', await local('one'));
    await writeFile(join(root, 'a/b/.tmp-4711'), 'half of');
    await writeFile(join(root, 'a/.tmp-4712'), '');
    await mkdir(join(root, 'other'));
    await writeFile(join(root, 'other/.tmp-4713'), 'somebody is writing this');
    expect(await store.list('a')).toEqual([{ path: 'a/b/1', bytes: 3 }]);
    await store.sweep?.('a');
    expect((await readdir(join(root, 'a'), { recursive: true })).sort()).toEqual(['b', 'b/1']);
    expect(await readdir(join(root, 'other'))).toEqual(['.tmp-4713']);
    await store.sweep?.('nowhere');
  });

  it('leaves nothing behind when a put fails', async () => {
    await store.put('a/b', await local('b'));
    await mkdir(join(root, 'a/taken'));
    await expect(store.put('a/taken', await local('c'))).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'store_failed',
    });
    expect((await readdir(join(root, 'a'))).sort()).toEqual(['b', 'taken']);
    await expect(store.put('a/b', join(directory, 'missing'))).rejects.toMatchObject({
      code: 'store_failed',
    });
    expect(await read('a/b')).toBe('b');
  });

  it('says that it failed, and why, when its directory is none', async () => {
    const broken = openDiskStore(await local('a file'));
    await expect(broken.put('a', await local('x'))).rejects.toMatchObject({
      code: 'store_failed',
      detail: expect.stringContaining('could not store a'),
    });
  });

  it('takes no path of another machine’s for a file of its own', () => {
    for (const path of ['', '/etc/passwd', '..', 'a/../../b', 'a\\b']) {
      expect(() => store.localPath?.(path), path).toThrow(/invalid_path/);
    }
  });

  it('follows no link, neither to a file nor to a directory', async () => {
    await store.put('a/b', await local('b'));
    await mkdir(join(directory, 'outside'));
    await writeFile(join(directory, 'outside/secret'), 'secret');
    await symlink(join(directory, 'outside'), join(root, 'a/way'));
    await symlink(join(directory, 'outside/secret'), join(root, 'a/file'));
    const refused = { kind: 'corrupt', code: 'symlink_in_store' };
    await expect(store.open('a/way/secret')).rejects.toMatchObject(refused);
    await expect(store.open('a/file')).rejects.toMatchObject(refused);
    await expect(store.put('a/way/secret', await local('x'))).rejects.toMatchObject(refused);
    await expect(store.remove('a/way/secret')).rejects.toMatchObject(refused);
    expect((await store.list('a')).map(({ path }) => path)).toEqual(['a/b', 'a/file', 'a/way']);
    expect((await stat(join(directory, 'outside/secret'))).size).toBe(6);
  });

  it('keeps files that are readable as the umask has it, whatever the local file was', async () => {
    const file = await local('x');
    const { mode } = await stat(file);
    await chmod(file, 0o400);
    await store.put('a', file);
    expect((await stat(join(root, 'a'))).mode).toBe(mode);
  });
});

describe('openStore', () => {
  it('knows absolute and relative directories', () => {
    expect(openStore(pathToFileURL(root).href).localPath?.('a')).toBe(join(root, 'a'));
    expect(openStore('file:./var/my%20archive').localPath?.('a')).toBe(
      join(process.cwd(), 'var/my archive/a'),
    );
    expect(openStore('file:/srv/archive').localPath?.('a')).toBe('/srv/archive/a');
  });

  it('refuses what it does not know', () => {
    const wrong = [
      '/srv/archive',
      '',
      'http://host/a',
      's3://',
      's3:bucket',
      's3://B/a',
      's3://ab',
      's3://bucket//a',
    ];
    for (const url of [
      ...wrong,
      's3://key:secret@bucket/a',
      's3://bucket/a/../b',
      's3://bucket/a?b',
      's3://bucket/a b',
    ]) {
      expect(() => openStore(url), url).toThrow(
        expect.objectContaining({
          kind: 'config',
          code: 'invalid_store',
          detail: expect.not.stringContaining('secret'),
        }),
      );
    }
  });
});
