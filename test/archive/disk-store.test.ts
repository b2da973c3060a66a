import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDiskStore } from '../../src/archive/disk-store.ts';
import { openStore } from '../../src/archive/open-store.ts';
import type { Store } from '../../src/archive/store.ts';

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

describe('a store on a directory', () => {
  it('gives back what was put into it, and lists it in order', async () => {
    expect(await store.list('a')).toEqual([]);
    expect(await store.put('a/c/2', await local('two'))).toEqual({ path: 'a/c/2', bytes: 3 });
    await store.put('a/b/1', await local('one'));
    await store.put('a/0', await local(''));
    expect(await read('a/c/2')).toBe('two');
    expect(await store.stat('a/b/1')).toEqual({ path: 'a/b/1', bytes: 3 });
    expect(await store.list('a')).toEqual([
      { path: 'a/0', bytes: 0 },
      { path: 'a/b/1', bytes: 3 },
      { path: 'a/c/2', bytes: 3 },
    ]);
    expect(await store.list('a/c')).toEqual([{ path: 'a/c/2', bytes: 3 }]);
    expect(store.localPath?.('a/c/2')).toBe(join(root, 'a/c/2'));
    expect(store.url).toBe(pathToFileURL(root).href);
  });

  it('replaces a file whole, and whoever reads the old one reads it to its end', async () => {
    await store.put('a', await local('old'));
    const old = await store.open('a');
    await store.put('a', await local('something new'));
    expect(await text(old)).toBe('old');
    expect(await read('a')).toBe('something new');
    expect(await readdir(root)).toEqual(['a']);
  });

  it('says what is not there', async () => {
    expect(await store.stat('a/b')).toBeUndefined();
    await expect(store.open('a/b')).rejects.toMatchObject({ kind: 'not_found', code: 'not_in_store' });
    await store.put('a', await local('a file, so that nothing can be below it'));
    expect(await store.stat('a/b')).toBeUndefined();
    await expect(store.open('a/b')).rejects.toMatchObject({ code: 'not_in_store' });
  });

  it('removes a file, and what is not there as well', async () => {
    await store.put('a/b', await local('b'));
    await store.remove('a/b');
    await store.remove('a/b');
    await store.remove('x/y/z');
    expect(await store.list('a')).toEqual([]);
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

  it('takes no path that could lead out of it', async () => {
    const file = await local('x');
    for (const path of ['', '/etc/passwd', '..', 'a/../../b', 'a//b', './a', 'a/.', 'a\\b', 'a\0b', 'a/']) {
      await expect(store.put(path, file), path).rejects.toMatchObject({ code: 'invalid_path' });
      await expect(store.open(path), path).rejects.toMatchObject({ code: 'invalid_path' });
      await expect(store.remove(path), path).rejects.toMatchObject({ code: 'invalid_path' });
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
    await chmod(file, 0o600);
    await store.put('a', file);
    expect((await stat(join(root, 'a'))).isFile()).toBe(true);
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
    for (const url of ['s3://bucket/prefix', '/srv/archive', '']) {
      expect(() => openStore(url)).toThrow(
        expect.objectContaining({ kind: 'config', code: 'invalid_store' }),
      );
    }
  });
});
