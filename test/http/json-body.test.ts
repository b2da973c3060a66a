import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJsonBody } from '../../src/http/json-body.ts';

const read = (text: string) => parseJsonBody(Buffer.from(text));
const refused = (code: string) => expect.objectContaining({ kind: 'invalid', code });

describe('a JSON body', () => {
  it('is read as JSON.parse reads it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' } as never), (value) => {
        const text = JSON.stringify(value);
        fc.pre(!/__proto__|constructor/.test(text) && text.isWellFormed());
        expect(read(text)).toEqual(JSON.parse(text));
      }),
    );
    expect(read('\ufeff{"a":1}')).toEqual({ a: 1 });
    expect(read('{"a":1,"a":2}')).toEqual({ a: 2 });
  });

  it('is refused when it is not JSON, or not UTF-8', () => {
    for (const text of ['', '{', '{"a":1}x', "{'a':1}", 'undefined', 'NaN', '[1,]']) {
      expect(() => read(text), text).toThrow(refused('invalid_json'));
    }
    expect(() => parseJsonBody(Buffer.from('{"name":"Zo\xeb"}', 'latin1'))).toThrow(refused('invalid_json'));
  });

  it('is refused when it is nested so deep that walking it would end the stack', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(read(nested(40))).toBeInstanceOf(Array);
    for (const depth of [41, 500_000]) {
      expect(() => read(nested(depth)), String(depth)).toThrow(refused('body_too_complex'));
    }
    expect(() => read(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`)).toThrow(
      refused('body_too_complex'),
    );
  });

  it('is refused when it has so many values that checking them would take long', () => {
    const list = (values: number) => `[${Array(values).fill('{}').join()}]`;
    expect(read(list(19_999))).toHaveLength(19_999);
    expect(() => read(list(20_000))).toThrow(refused('body_too_complex'));
  });

  it('is refused when a member reaches for a prototype', () => {
    for (const text of [
      '{"__proto__":1}',
      '[{"a":{"__proto__":{"admin":true}}}]',
      '{"\\u005f_proto__":null}',
      '{"a":{"constructor":{"prototype":{"admin":true}}}}',
    ]) {
      expect(() => read(text), text).toThrow(refused('forbidden_member'));
    }
    expect(read('{"constructor":"Ferrari","prototype":1}')).toEqual({ constructor: 'Ferrari', prototype: 1 });
  });
});

describe('a number', () => {
  it('is taken when a double says all that was written', () => {
    for (const text of [
      '0',
      '-0',
      '0.0',
      '0e9',
      '1',
      '-1.50',
      '100e-2',
      '1E3',
      '1e+3',
      '9007199254740992',
      '-9007199254740991',
      '0.1',
      '0.10000000000000001',
      '0.1000000000000000055511151231257827021181583404541015625',
      '1e22',
      '10000000000000000000000',
      '1e23',
      '5e-324',
      '1.7976931348623157e308',
      '12345678.000000000000000000',
    ]) {
      expect(read(`{"a":[${text}]}`), text).toEqual({ a: [JSON.parse(text)] });
    }
  });

  it('is taken however a double is written', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        for (const text of [String(value), value.toExponential(), value.toPrecision(17)]) {
          expect(read(text)).toEqual(JSON.parse(text));
        }
      }),
    );
  });

  it('is refused when a double would bend it', () => {
    for (const text of [
      '9007199254740993',
      '119209261128367089',
      '-9223372036854775807',
      '9007199254740991.4',
      '4503599627370496.3',
      '1.00000000000000001',
      '1e400',
      '-1e400',
      '1e-400',
      '0.1000000000000000000000001',
      `1.${'0'.repeat(200)}1`,
    ]) {
      expect(() => read(`{"amount":${text}}`), text).toThrow(refused('inexact_number'));
    }
  });

  it('is taken as an integer exactly when that integer comes out again', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), (written) => {
        const held = Number(written);
        // Below 10^21 JavaScript prints integers without an exponent.
        const kept = BigInt(held) === written || BigInt(String(held)) === written;
        if (kept) expect(read(String(written))).toBe(held);
        else expect(() => read(String(written))).toThrow(refused('inexact_number'));
      }),
      // Near 2^53, where some fit and some do not.
      { examples: Array.from({ length: 64 }, (_, index) => [2n ** 53n - 32n + BigInt(index)]) },
    );
  });
});
