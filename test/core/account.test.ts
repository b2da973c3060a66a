import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddress, metadataFault, parseAddress, textFault } from '../../src/core/account.ts';

describe('an account address', () => {
  it('is an entity and a group', () => {
    expect(parseAddress('user-123:WALLET')).toEqual({ entityId: 'user-123', groupType: 'WALLET' });
    expect(parseAddress('Ängström & Söhne (2):FEES_2024')).toEqual({
      entityId: 'Ängström & Söhne (2)',
      groupType: 'FEES_2024',
    });
  });

  it.each([
    '',
    ':',
    'user',
    'user:',
    ':WALLET',
    'user:wallet',
    'user:2WALLET',
    'user:WALLET:X',
    ' user:WALLET',
    'user :WALLET',
    '\u00a0user:WALLET',
    'us\ner:WALLET',
    'us\u0085er:WALLET',
    'us\0er:WALLET',
    '\ud800:WALLET',
    `${'x'.repeat(129)}:WALLET`,
    `user:${'W'.repeat(33)}`,
  ])('is not %j', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  it('reads back as it was written', () => {
    const entity = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
      .filter((s) => parseAddress(`${s}:A`) !== undefined);
    const group = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,31}$/);
    fc.assert(
      fc.property(entity, group, (entityId, groupType) => {
        expect(parseAddress(formatAddress({ entityId, groupType }))).toEqual({ entityId, groupType });
      }),
    );
  });
});

describe('a text of a transaction', () => {
  it('is bounded in length', () => {
    expect(textFault('user_id', 'x'.repeat(128))).toBeUndefined();
    expect(textFault('user_id', 'x'.repeat(129))).toContain('128');
    expect(textFault('reference_code', 'x'.repeat(201))).toContain('200');
    expect(textFault('description', 'x'.repeat(2001))).toContain('2000');
  });

  it('holds no control characters; a description may have lines and tabs', () => {
    expect(textFault('reference_code', 'a\tb')).toContain('U+0009');
    expect(textFault('description', 'a\tb\nc')).toBeUndefined();
    expect(textFault('description', 'a\rb')).toContain('U+000D');
    expect(textFault('description', 'a\0b')).toContain('U+0000');
    expect(textFault('user_id', 'a\ud800b')).toContain('surrogate');
    expect(textFault('user_id', '💶 €')).toBeUndefined();
  });
});

describe('metadata', () => {
  it('is a JSON object that PostgreSQL takes and that loses nothing', () => {
    expect(metadataFault({ a: [1, 'x', null, { b: true }], ключ: 0.5 })).toBeUndefined();
    for (const value of [null, 1, 'x', [], [{}]]) expect(metadataFault(value)).toContain('object');
    expect(metadataFault({ a: ['x\0'] })).toContain('U+0000');
    expect(metadataFault({ 'a\0': 1 })).toContain('U+0000');
    expect(metadataFault({ a: '\udc00' })).toContain('surrogate');
    expect(metadataFault(JSON.parse('{"a":1e999}'))).toContain('number');
    expect(metadataFault(JSON.parse('{"a":12345678901234567890}'))).toContain('number');
  });

  it('is bounded in size and depth', () => {
    expect(metadataFault({ a: 'x'.repeat(16 * 1024 - 8) })).toBeUndefined();
    expect(metadataFault({ a: 'x'.repeat(16 * 1024 - 7) })).toContain('16384');
    expect(metadataFault({ a: '€'.repeat(6000) })).toContain('16384');
    const nested = (levels: number): object => (levels === 1 ? {} : { a: nested(levels - 1) });
    expect(metadataFault(nested(32))).toBeUndefined();
    expect(metadataFault(nested(33))).toContain('32');
  });
});
