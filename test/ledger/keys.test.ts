import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createKey,
  findKeys,
  listKeys,
  makeKey,
  parseToken,
  revokeKey,
  secretOpens,
} from '../../src/ledger/keys.ts';
import { createLedger } from '../../src/ledger/ledgers.ts';
import { type Book, openBook } from './fixture.ts';

let book: Book;
beforeAll(async () => {
  book = await openBook();
  await createLedger(book.db, 'spare');
});
afterAll(() => book.close());

const sha256 = (text: string) => createHash('sha256').update(text).digest();

describe('a token', () => {
  it('is an id and 32 random bytes, and each is another', () => {
    const made = Array.from({ length: 200 }, () => makeKey({ name: 'n', roles: ['reader'], ledgers: null }));
    for (const { token, key } of made) {
      const parsed = parseToken(token);
      expect(parsed?.id).toBe(key.id);
      expect(Buffer.from(parsed?.secret ?? '', 'base64url')).toHaveLength(32);
      expect(secretOpens(parsed?.secret ?? '', key)).toBe(true);
      expect(JSON.stringify(key)).not.toContain(parsed?.secret);
    }
    expect(new Set(made.map(({ token }) => parseToken(token)?.secret)).size).toBe(200);
    expect(new Set(made.map(({ key }) => key.id)).size).toBe(200);
    expect(new Set(made.flatMap(({ key }) => [...key.id])).size).toBe(36);
  });

  it('is nothing else', () => {
    const { token } = makeKey({ name: 'n', roles: ['reader'], ledgers: null });
    const others = [
      '',
      'qm_',
      token.slice(0, -1),
      `${token}A`,
      `${token}\n`,
      ` ${token}`,
      token.toUpperCase(),
    ];
    others.push(token.replace('qm_', 'qn_'), token.replace(/^qm_./, 'qm_-'), `${token.slice(0, -1)}=`);
    for (const other of others) expect([other, parseToken(other)]).toEqual([other, undefined]);
  });

  it('opens its own key only, and no key that is not there', () => {
    const [mine, other] = ['mine', 'other'].map((name) => makeKey({ name, roles: ['admin'], ledgers: null }));
    const secret = parseToken(mine?.token ?? '')?.secret ?? '';
    expect(secretOpens(secret, mine?.key)).toBe(true);
    expect(secretOpens(secret, other?.key)).toBe(false);
    expect(secretOpens(`${secret.slice(0, -1)}${secret.endsWith('A') ? 'E' : 'A'}`, mine?.key)).toBe(false);
    expect(secretOpens(secret, undefined)).toBe(false);
    expect(secretOpens('', undefined)).toBe(false);
  });

  it('is compared in one place, in constant time, whether there is a key or not', () => {
    const source = readFileSync(new URL('../../src/ledger/keys.ts', import.meta.url), 'utf8');
    const body = /export function secretOpens[\s\S]*?\n}\n/.exec(source)?.[0] ?? '';
    // The comparison is the first thing that is done, before anything depends on whether there is a key.
    expect(body).toMatch(/^export function [^\n]*\n {2}const same = timingSafeEqual\(/);
    expect(source.match(/timingSafeEqual\(/g)).toHaveLength(1);
  });
});

describe('a key', () => {
  it('is kept without its secret, and found by its id', async () => {
    const expiresAt = new Date('2030-01-01T00:00:00Z');
    const wanted = {
      name: 'billing',
      roles: ['writer', 'finance'] as const,
      ledgers: ['main', 'spare'],
      expiresAt,
    };
    const { id, token } = await createKey(book.db, wanted);
    const secret = parseToken(token)?.secret ?? '';
    const [key, ...more] = await findKeys(book.db, [id, 'nobodysid000']);
    expect(more).toEqual([]);
    expect(key).toEqual({ id, ...wanted, secretSha256: sha256(secret) });
    expect(secretOpens(secret, key)).toBe(true);

    const { rows } = await sql<{ row: string }>`SELECT k::text AS row FROM quartermaster.api_keys k`.execute(
      book.db,
    );
    expect(rows.length).toBeGreaterThan(0);
    for (const { row } of rows) expect(row).not.toContain(secret);
  });

  it('may be for all ledgers and for ever', async () => {
    const { id } = await createKey(book.db, { name: 'all', roles: ['admin', 'admin'], ledgers: null });
    expect(await findKeys(book.db, [id])).toMatchObject([
      { roles: ['admin'], ledgers: null, expiresAt: null },
    ]);
  });

  it('is refused for a ledger that is not there, and nothing is kept', async () => {
    const before = await listKeys(book.db);
    const wanted = { name: 'typo', roles: ['reader'] as const, ledgers: ['main', 'mian'] };
    await expect(createKey(book.db, wanted)).rejects.toMatchObject({
      kind: 'not_found',
      code: 'no_such_ledger',
    });
    expect(await listKeys(book.db)).toEqual(before);
  });

  it('has a name that can stand in a log', async () => {
    for (const name of ['', 'x'.repeat(101), 'a\nb', 'a\0', '\u202egnp.exe', '\ud800'])
      await expect(createKey(book.db, { name, roles: ['reader'], ledgers: null })).rejects.toMatchObject({
        code: 'invalid_key_name',
      });
    const name = '🗝'.repeat(100);
    const { id } = await createKey(book.db, { name, roles: ['reader'], ledgers: null });
    expect(await findKeys(book.db, [id])).toMatchObject([{ name }]);
  });

  it('has a role, and not an empty list of ledgers', async () => {
    for (const wanted of [
      { name: 'n', roles: [], ledgers: null },
      { name: 'n', roles: ['reader'] as const, ledgers: [] },
    ])
      await expect(createKey(book.db, wanted)).rejects.toMatchObject({ code: 'assertion_failed' });
  });

  it('is listed with all but its secret', async () => {
    const keys = await listKeys(book.db);
    expect(keys.map(({ name }) => name).slice(0, 2)).toEqual(['billing', 'all']);
    expect(Object.keys(keys[0] ?? {}).sort()).toEqual([
      'createdAt',
      'expiresAt',
      'id',
      'ledgers',
      'name',
      'revokedAt',
      'roles',
    ]);
  });

  it('is revoked once and for ever', async () => {
    const { id } = await createKey(book.db, { name: 'lost', roles: ['reader'], ledgers: null });
    const others = (await listKeys(book.db)).filter((key) => key.id !== id);
    const first = await revokeKey(book.db, id);
    expect(await revokeKey(book.db, id)).toEqual(first);
    expect(await findKeys(book.db, [id])).toEqual([]);
    const after = await listKeys(book.db);
    expect(after.find((key) => key.id === id)?.revokedAt).toEqual(first.revokedAt);
    expect(after.filter((key) => key.id !== id)).toEqual(others);
    // Who made it and who took it back is told, once each.
    const { rows } = await sql<{ event: string; actor: string; detail: object }>`
      SELECT event, actor, detail FROM quartermaster.house_events WHERE detail ->> 'key' = ${id} ORDER BY id`.execute(
      book.db,
    );
    expect(rows).toEqual([
      {
        event: 'key-create',
        actor: 'keys',
        detail: { key: id, name: 'lost', roles: ['reader'], ledgers: null, expires_at: null },
      },
      { event: 'key-revoke', actor: 'keys', detail: { key: id, name: 'lost' } },
    ]);
  });

  it('that is not there cannot be revoked, and what may be a token is not repeated', async () => {
    await expect(revokeKey(book.db, 'nobodysid000')).rejects.toMatchObject({
      kind: 'not_found',
      code: 'no_such_key',
      detail: expect.stringContaining('nobodysid000'),
    });
    const { token } = await createKey(book.db, { name: 'pasted', roles: ['reader'], ledgers: null });
    const error = await revokeKey(book.db, token).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'no_such_key' });
    expect(String(error)).not.toContain(token.slice(3, 20));
  });
});
