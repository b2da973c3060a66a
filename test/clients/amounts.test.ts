import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AmountError,
  formatAmount,
  fromMinor,
  minorOf,
  toMinor,
} from '../../clients/typescript/src/index.ts';
import { formatMinor, parseDecimal } from '../../src/core/money.ts';

const amounts = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n });
const exponents = fc.integer({ min: 0, max: 18 });

describe('amounts', () => {
  it('are written and read again, however large', () => {
    fc.assert(
      fc.property(amounts, exponents, (minor, exponent) => {
        const text = fromMinor(minor, exponent);
        expect(toMinor(text, exponent)).toBe(minor);
        expect(fromMinor(String(minor), exponent)).toBe(text);
        expect(text.split('.')[1]?.length ?? 0).toBe(exponent);
      }),
    );
  });

  it('are read and written as the ledger itself does', () => {
    const small = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    fc.assert(
      fc.property(small, exponents, (minor, exponent) => {
        const text = formatMinor(minor, exponent);
        expect(fromMinor(minor, exponent)).toBe(text);
        expect(toMinor(text, exponent)).toBe(parseDecimal(text, exponent));
      }),
    );
  });

  it('of any text are what the ledger makes of it, or refused with it', () => {
    const digits = fc.stringMatching(/^[-+]?[0-9]{0,12}(\.[0-9]{0,6})?$/);
    fc.assert(
      fc.property(fc.oneof(digits, fc.string()), fc.integer({ min: 0, max: 4 }), (text, exponent) => {
        const expected = parseDecimal(text, exponent);
        if (expected === undefined) expect(() => toMinor(text, exponent)).toThrow(AmountError);
        else expect(toMinor(text, exponent)).toBe(expected);
      }),
    );
  });

  it.each([
    ['12.50', 2, 1250n],
    ['-0.01', 2, -1n],
    ['12.5', 2, 1250n],
    ['12.500', 2, 1250n],
    ['1250', 0, 1250n],
    ['9007199254740993.01', 2, 900719925474099301n],
  ])('%s with %i decimals is %s', (text, exponent, minor) => {
    expect(toMinor(text, exponent)).toBe(minor);
  });

  it.each([
    [12.5, 'cannot hold most decimals exactly: write it as text'],
    [2 ** 53, 'only up to 9007199254740991'],
    [Number.NaN, 'NaN is a number'],
    [12n, '12n is no text'],
    [null, 'null is no text'],
    ['12.345', 'has 3 decimals, and the currency has 2'],
    ['1,234.50', 'without grouping'],
    ['€12', 'is no amount'],
    ['1e3', 'is no amount'],
    [' 12', 'is no amount'],
    ['', '"" is no amount'],
  ])('%s is refused, and it is said why', (given, why) => {
    expect(() => toMinor(given as string, 2)).toThrow(AmountError);
    expect(() => toMinor(given as string, 2)).toThrow(why);
  });

  it.each([-1, 1.5, 31, '2'])('a currency has no %s decimals', (exponent) => {
    expect(() => fromMinor(1n, exponent as number)).toThrow(AmountError);
  });

  it('of minor units are bigints or whole text', () => {
    expect([minorOf('1250'), minorOf(-3n), minorOf('-7')]).toEqual([1250n, -3n, -7n]);
    expect(() => minorOf('12.50')).toThrow('toMinor("12.50", 2) makes them');
    expect(() => minorOf(12.5 as unknown as bigint)).toThrow('as 1250n or "1250"');
  });
});

describe('an amount for people', () => {
  it.each([
    [1234567n, 2, {}, '12,345.67'],
    ['-1234567', 2, { minus: '−' }, '−12,345.67'],
    [0n, 2, {}, '0.00'],
    [1234567n, 0, { group: '$&' }, '1$&234$&567'],
    [1234567n, 3, { group: '.', decimal: ',' }, '1.234,567'],
    [1234567n, 2, { locale: 'de-DE', currency: 'EUR' }, '12.345,67\u00a0€'],
    [-5n, 0, { locale: 'en-US', currency: 'JPY', display: 'code' as const }, '-JPY\u00a05'],
    ['123456789012345678901234567890', 2, { locale: 'en-US' }, '1,234,567,890,123,456,789,012,345,678.90'],
  ])('%s with %i decimals, %j, is %s', (minor, exponent, format, text) => {
    expect(formatAmount(minor, exponent, format)).toBe(text);
  });

  it('has all its digits in every language', () => {
    const locales = fc.constantFrom('en-GB', 'de-CH', 'fr-FR', 'en-IN', 'pt-BR');
    fc.assert(
      fc.property(amounts, fc.integer({ min: 0, max: 4 }), locales, (minor, exponent, locale) => {
        const digits = formatAmount(minor, exponent, { locale }).replace(/[^0-9]/g, '');
        expect(digits).toBe(fromMinor(minor, exponent).replace(/[^0-9]/g, ''));
      }),
    );
  });
});
