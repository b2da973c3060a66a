import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createKeyGate, fingerprintOf, readIdempotencyKey } from '../../src/http/idempotency.ts';

const keyOf = (...values: string[]) =>
  readIdempotencyKey(values.flatMap((value) => ['idempotency-KEY', value]));
const refused = expect.objectContaining({ kind: 'invalid', code: 'invalid_idempotency_key' });

describe('the Idempotency-Key header', () => {
  it('may be missing', () => {
    expect(readIdempotencyKey(['host', 'idempotency-key', 'accept', '*/*'])).toBeUndefined();
  });

  it('is the same key bare and quoted, with quotes and backslashes escaped', () => {
    const printable = fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code));
    fc.assert(
      fc.property(fc.string({ unit: printable, minLength: 1, maxLength: 255 }), (key) => {
        expect(keyOf(`"${key.replace(/["\\]/g, '\\$&')}"`)).toBe(key);
        if (!key.startsWith('"')) expect(keyOf(key)).toBe(key);
      }),
    );
  });

  it('is refused when it is empty, too long, not printable ASCII, badly quoted or sent twice', () => {
    for (const value of [
      '',
      '""',
      'k'.repeat(256),
      `"${'k'.repeat(256)}"`,
      'é',
      '"é"',
      'a\tb',
      '"a',
      '"a"b"',
      '"a\\b"',
      '"a";p=1',
      '"',
    ]) {
      expect(() => keyOf(value), value).toThrow(refused);
    }
    expect(() => keyOf('a', 'a')).toThrow(refused);
  });
});

describe('a fingerprint', () => {
  it('is the same for the same request in another order, and no other', () => {
    const one = fingerprintOf({ a: '1', b: { c: [1, 2], d: null } });
    expect(one).toHaveLength(32);
    expect(fingerprintOf({ b: { d: null, c: [1, 2] }, a: '1' })).toEqual(one);
    expect(fingerprintOf({ b: { d: null, c: [2, 1] }, a: '1' })).not.toEqual(one);
    expect(fingerprintOf({ b: { c: [1, 2] }, a: '1' })).not.toEqual(one);
  });
});

describe('the gate', () => {
  it('lets one request at a time through for a key of a ledger, and the next after it', async () => {
    const through = createKeyGate();
    const held = Promise.withResolvers<string>();
    const first = through(1, 'k', () => held.promise);
    await expect(through(1, 'k', async () => 'second')).rejects.toMatchObject({
      kind: 'conflict',
      code: 'idempotency_key_in_flight',
    });
    await expect(through(2, 'k', async () => 'another ledger')).resolves.toBe('another ledger');
    await expect(through(1, 'k2', async () => 'another key')).resolves.toBe('another key');
    held.resolve('first');
    await expect(first).resolves.toBe('first');
    await expect(through(1, 'k', async () => 'after it')).resolves.toBe('after it');
  });

  it('opens again after a failure', async () => {
    const through = createKeyGate();
    const failing = through(1, 'k', async () => {
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    await expect(through(1, 'k', async () => 'yes')).resolves.toBe('yes');
  });
});
