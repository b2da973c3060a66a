import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT_USAGE, exitCodes } from '../../src/cli/exit-codes.ts';
import { createProcessKey } from '../../src/cli/process-key.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { fixedClock } from '../../src/core/clock.ts';
import { findKeys, parseToken, secretOpens } from '../../src/ledger/keys.ts';
import { createLedger } from '../../src/ledger/ledgers.ts';
import { createEntry } from '../../src/main/entry.ts';
import { readConfig } from '../../src/platform/config.ts';
import { type Book, openBook } from '../ledger/fixture.ts';

let book: Book;
beforeAll(async () => {
  book = await openBook({ zone: 'Europe/Paris' });
  await createLedger(book.db, 'spare');
});
afterAll(() => book.close());

async function keys(...args: string[]) {
  const out = new PassThrough();
  const err = new PassThrough();
  const env = { QM_DATABASE_URL: book.url, QM_TIMEZONE: 'Europe/Paris' };
  const clock = fixedClock('2026-06-01T12:00:00Z');
  const entry = createEntry({ version: '1.2.3', clock, signal: new AbortController().signal });
  const kit = { entry: { ...entry, readConfig: () => readConfig(env) }, out, err };
  const code = await runCommandLine(kit, ['keys', ...args]);
  return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') };
}

describe('quartermaster keys', () => {
  it('makes a key and prints its token, alone and once', async () => {
    const { code, out, err } = await keys(
      'create',
      '--name',
      'billing',
      '--role',
      'writer',
      '--ledger',
      'main',
    );
    expect(code, err).toBe(0);
    const { id, secret } = parseToken(out.trimEnd()) ?? { id: '', secret: '' };
    expect(out).toBe(`qm_${id}_${secret}\n`);
    expect(err).toMatch(/shown only now/);
    expect(err).not.toContain(secret);
    const [key] = await findKeys(book.db, [id]);
    expect(key).toMatchObject({ name: 'billing', roles: ['writer'], ledgers: ['main'], expiresAt: null });
    expect(secretOpens(secret, key)).toBe(true);
  });

  it('takes several roles and ledgers, in either way of writing them, and a time in days or as a day', async () => {
    const { code, out, err } = await keys(
      ...['create', '--json', '--name', 'audit', '--role', 'reader', '--role', 'finance'],
      ...['--ledger', 'main', 'spare', '--expires', '90d'],
    );
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const made = JSON.parse(out);
    expect(made).toEqual({
      id: parseToken(made.token)?.id,
      token: made.token,
      name: 'audit',
      roles: ['reader', 'finance'],
      ledgers: ['main', 'spare'],
      expiresAt: '2026-08-30T12:00:00.000Z',
    });
    const dated = await keys('create', '--json', '--name', 'x', '--role', 'admin', '--expires', '2027-01-31');
    expect(JSON.parse(dated.out)).toMatchObject({ ledgers: null, expiresAt: '2027-01-30T23:00:00.000Z' });
  });

  it.each([
    [EXIT_USAGE, 'create --name x'],
    [EXIT_USAGE, 'create --role reader'],
    [EXIT_USAGE, 'create --name x --role root'],
    [EXIT_USAGE, 'revoke'],
    [exitCodes.not_found, 'create --name x --role reader --ledger mian'],
    [exitCodes.not_found, 'revoke nobodysid000'],
    [exitCodes.invalid, 'create --name x --role reader --expires never'],
    [exitCodes.invalid, 'create --name x --role reader --expires 0d'],
    [exitCodes.invalid, 'create --name x --role reader --expires 2026-06-01'],
    [exitCodes.invalid, 'create --name x --role reader --expires 2026-02-30'],
  ])('ends with %i for `%s`, and makes nothing', async (expected, args) => {
    const before = (await keys('list', '--json')).out;
    const { code, out, err } = await keys(...args.split(' '));
    expect({ code, out }).toEqual({ code: expected, out: '' });
    expect(err).not.toBe('');
    expect((await keys('list', '--json')).out).toBe(before);
  });

  it('lists keys with what became of them, and revokes them', async () => {
    const { out: token } = await keys('create', '--name', 'lost', '--role', 'reader');
    const id = parseToken(token.trimEnd())?.id ?? '';
    const line = async () => (await keys('list')).out.split('\n').find((each) => each.startsWith(id));
    expect(await line()).toMatch(/ {2}lost +reader +all +\d{4}-\d\d-\d\d \d\d:\d\d +✓ good$/);
    expect(await keys('revoke', id)).toMatchObject({
      code: exitCodes.invalid,
      err: expect.stringMatching(/the key \w+ of lost is refused .* Add --yes to do it\. \[not_confirmed\]/),
    });
    expect(await line()).toMatch(/good$/);
    expect(await keys('revoke', id, '--yes')).toMatchObject({
      code: 0,
      out: expect.stringContaining(`Key ${id} is revoked`),
    });
    const again = await keys('revoke', id, '--json');
    expect(JSON.parse(again.out)).toEqual({ id, revokedAt: expect.stringMatching(/^\d{4}-/) });
    expect(await line()).toMatch(/ {2}× revoked \d{4}-\d\d-\d\d \d\d:\d\d$/);
    const listed = (await keys('list')).out;
    expect(listed).toMatch(/audit +reader, finance +main, spare .* ✓ good until 2026-08-30 14:00$/m);
    expect(listed).not.toContain(parseToken(token.trimEnd())?.secret);
    expect((await keys('list', '--json')).out).not.toMatch(/sha256|secret/i);
  });

  it('does not repeat a token that is given for an id', async () => {
    const { out } = await keys('create', '--name', 'pasted', '--role', 'reader');
    for (const more of [[], ['--json']]) {
      const { code, err } = await keys('revoke', out.trimEnd(), ...more);
      expect(code).toBe(exitCodes.not_found);
      expect(err).not.toContain(parseToken(out.trimEnd())?.secret);
    }
  });
});

describe('the key of dev and demo', () => {
  it('is printed where only this machine calls, and opens everything', () => {
    for (const host of ['127.0.0.1', '::1', 'localhost']) {
      const { keys: made, says } = createProcessKey({ host }, 'dev');
      const { id, secret } = parseToken(/^ {2}KEY=(\S+)$/m.exec(says)?.[1] ?? '') ?? { id: '', secret: '' };
      expect(made).toMatchObject([{ id, name: 'dev', roles: ['admin'], ledgers: null }]);
      expect(secretOpens(secret, made[0])).toBe(true);
    }
  });

  it('is not made where others call; how to make one is said instead', () => {
    const { keys: made, says } = createProcessKey({ host: '0.0.0.0' }, 'dev');
    expect(made).toEqual([]);
    expect(says).toContain('quartermaster keys create');
    expect(says).not.toContain('qm_');
  });
});
