import { describe, expect, it } from 'vitest';
import { allows, type Identity, isRole, ROLES, type Role } from '../../src/core/access.ts';
import { isLoopback } from '../../src/core/loopback.ts';

const having = (roles: readonly Role[], ledgers: readonly string[] | null = null): Identity => ({
  name: 'test',
  roles,
  ledgers,
});

describe('a role', () => {
  // What who has it may do, of reader, writer, finance and admin in this order.
  it.each<[Role, boolean[]]>([
    ['reader', [true, false, false, false]],
    ['writer', [true, true, false, false]],
    ['finance', [true, false, true, false]],
    ['admin', [true, true, true, true]],
  ])('%s may do what it says, and read', (role, expected) => {
    expect(ROLES.map((wanted) => allows(having([role]), wanted))).toEqual(expected);
    expect(ROLES.map((wanted) => allows(having([role]), wanted, 'main'))).toEqual(expected);
  });

  it('adds to the others', () => {
    const both = having(['writer', 'finance']);
    expect(ROLES.map((wanted) => allows(both, wanted))).toEqual([true, true, true, false]);
  });

  it('is needed for everything', () => {
    expect(ROLES.map((wanted) => allows(having([]), wanted, 'main'))).toEqual([false, false, false, false]);
    expect(allows(having([]), 'reader')).toBe(false);
  });

  it('is one of four', () => {
    expect(ROLES.every(isRole)).toBe(true);
    for (const other of ['Admin', 'root', '', null, undefined, 0, ['admin'], 'toString', 'length'])
      expect(isRole(other)).toBe(false);
  });
});

describe('the ledgers of an identity', () => {
  it('are those it is let into, and no others', () => {
    for (const role of ROLES) {
      const some = having([role], ['main', 'spare']);
      expect(ROLES.map((wanted) => allows(some, wanted, 'spare'))).toEqual(
        ROLES.map((wanted) => allows(having([role]), wanted, 'spare')),
      );
      for (const other of ['other', '', 'Main', 'mai', 'main ', 'null'])
        expect(ROLES.some((wanted) => allows(some, wanted, other))).toBe(false);
    }
  });

  it('do not let it change what concerns them all, but look', () => {
    for (const role of ROLES)
      expect(ROLES.map((wanted) => allows(having([role], ['main']), wanted))).toEqual([
        true,
        false,
        false,
        false,
      ]);
  });

  it('may be none at all', () => {
    expect(ROLES.some((wanted) => allows(having(['admin'], []), wanted, 'main'))).toBe(false);
  });
});

it('only this machine reaches a loopback address', () => {
  for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost']) expect(isLoopback(host)).toBe(true);
  for (const host of [
    '0.0.0.0',
    '::',
    '',
    '10.0.0.1',
    '127.0.0.1.evil.example',
    'localhost.example',
    '1127.0.0.1',
  ])
    expect(isLoopback(host)).toBe(false);
});
