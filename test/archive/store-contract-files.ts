import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { hash, noise, type StoreKit } from './store-contract.ts';

/** What is put is kept as it was and where it was put. */
export function itKeepsFiles(kit: StoreKit): void {
  const read = async (path: string) => text(await kit.store.open(path));

  it('gives back what was put into it, and lists it in order', async () => {
    expect(await kit.store.list('a')).toEqual([]);
    expect(await kit.store.put('a/c/2', await kit.local('two'))).toEqual({ path: 'a/c/2', bytes: 3 });
    await kit.store.put('a/b/1', await kit.local('one'));
    await kit.store.put('a/0', await kit.local(''));
    expect(await read('a/c/2')).toBe('two');
    expect(await kit.store.stat('a/b/1')).toEqual({ path: 'a/b/1', bytes: 3 });
    expect(await kit.store.list('a')).toEqual([
      { path: 'a/0', bytes: 0 },
      { path: 'a/b/1', bytes: 3 },
      { path: 'a/c/2', bytes: 3 },
    ]);
    expect(await kit.store.list('a/c')).toEqual([{ path: 'a/c/2', bytes: 3 }]);
  });

  it('keeps an empty file', async () => {
    expect(await kit.store.put('empty', await kit.local(''))).toEqual({ path: 'empty', bytes: 0 });
    expect(await kit.store.stat('empty')).toEqual({ path: 'empty', bytes: 0 });
    expect(await read('empty')).toBe('');
  });

  it.each([
    ['as large as a part', 0],
    ['a byte larger than a part', 1],
    ['of several parts', 1.5 * kit.partBytes],
  ])('keeps a file that is %s', async (_, more) => {
    const bytes = noise(kit.partBytes + more);
    expect(await kit.store.put('a/large', await kit.local(bytes))).toEqual({
      path: 'a/large',
      bytes: bytes.length,
    });
    expect(await kit.store.stat('a/large')).toEqual({ path: 'a/large', bytes: bytes.length });
    expect(await kit.hashOf('a/large')).toBe(hash(bytes));
    expect(await kit.bench.countUnfinished()).toBe(0);
  });

  it('replaces a file whole, and whoever reads the old one reads it to its end', async () => {
    await kit.store.put('a', await kit.local('old'));
    const old = await kit.store.open('a');
    await kit.store.put('a', await kit.local('something new'));
    expect(await text(old)).toBe('old');
    expect(await read('a')).toBe('something new');
    await kit.store.put('a', await kit.local(''));
    expect(await read('a')).toBe('');
    await kit.store.put('a', await kit.local(noise(kit.partBytes + 7)));
    expect(await kit.store.stat('a')).toEqual({ path: 'a', bytes: kit.partBytes + 7 });
  });

  it('says what is not there', async () => {
    expect(await kit.store.stat('a/b')).toBeUndefined();
    await expect(kit.store.open('a/b')).rejects.toMatchObject({ kind: 'not_found', code: 'not_in_store' });
    await kit.store.put('a', await kit.local('a file, so that nothing is below it'));
    expect(await kit.store.stat('a/b')).toBeUndefined();
    await expect(kit.store.open('a/b')).rejects.toMatchObject({ code: 'not_in_store' });
    expect(await kit.store.list('a')).toEqual([]);
  });

  it('removes a file, and what is not there as well', async () => {
    await kit.store.put('a/b', await kit.local('b'));
    await kit.store.put('a/c', await kit.local('c'));
    await kit.store.remove('a/b');
    await kit.store.remove('a/b');
    await kit.store.remove('x/y/z');
    expect(await kit.store.list('a')).toEqual([{ path: 'a/c', bytes: 1 }]);
    await expect(kit.store.open('a/b')).rejects.toMatchObject({ code: 'not_in_store' });
    await kit.store.put('a/b', await kit.local('again'));
    expect(await read('a/b')).toBe('again');
  });

  it('keeps names as they are, however odd', async () => {
    const names = [
      ...[
        'with space',
        'a+b',
        '100%',
        '%2e%2e',
        '%2F',
        'a&b<c>"d\'',
        'a=b;c,d',
        'what?',
        '#1',
        'a:b@c',
        '~$!*()',
      ],
      ...[
        '-rf',
        '.hidden',
        '..a',
        'a..',
        '...',
        '{}[]|^`',
        'grüße',
        'e\u0301',
        '\u00e9',
        '漢字',
        '😀',
        'A',
        'a',
      ],
      'x'.repeat(200),
    ];
    for (const name of names) await kit.store.put(`odd/${name}/${name}`, await kit.local(name));
    const listed = names.map((name) => `odd/${name}/${name}`).sort();
    expect((await kit.store.list('odd')).map(({ path }) => path)).toEqual(listed);
    for (const name of names) expect(await read(`odd/${name}/${name}`)).toBe(name);
    for (const path of listed) await kit.store.remove(path);
    expect(await kit.store.list('odd')).toEqual([]);
  });

  it('lists in the order of the paths, and of one folder only', async () => {
    const inside = [
      'f/a',
      'f/a-b/x',
      'f/a.b',
      'f/a0',
      'f/aB',
      'f/ab/c',
      'f/ab/c-d',
      'f/ab/c0',
      'f/é',
      'f/😀',
      'f/ﬃ',
    ];
    for (const path of [...inside.toReversed(), 'f-2/a', 'f2', 'e/f/a', 'F/a'])
      await kit.store.put(path, await kit.local(path));
    expect((await kit.store.list('f')).map(({ path }) => path)).toEqual(inside);
    expect(await kit.store.list('f/ab')).toHaveLength(3);
    expect(await kit.store.list('f/a')).toEqual([]);
  });

  it('takes no path that could lead out of it, or that not every store can keep', async () => {
    const file = await kit.local('x');
    const wrong = [
      '',
      '/etc/passwd',
      '..',
      'a/../../b',
      'a//b',
      './a',
      'a/.',
      'a\\b',
      'a\0b',
      'a/',
      'a\nb',
      '.tmp-a',
    ];
    for (const path of [...wrong, '\ud800', 'x'.repeat(300)]) {
      const refused = { kind: 'invalid', code: 'invalid_path' };
      await expect(kit.store.put(path, file), path).rejects.toMatchObject(refused);
      await expect(kit.store.open(path), path).rejects.toMatchObject(refused);
      await expect(kit.store.stat(path), path).rejects.toMatchObject(refused);
      await expect(kit.store.list(path), path).rejects.toMatchObject(refused);
      await expect(kit.store.remove(path), path).rejects.toMatchObject(refused);
      await expect(kit.store.sweep?.(path), path).rejects.toMatchObject(refused);
    }
  });
}
