import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatMinor, MAX_AMOUNT, parseDecimal, parseMinor } from '../../src/core/money.ts';

const amounts = fc.bigInt({ min: -MAX_AMOUNT - 1n, max: MAX_AMOUNT });
const exponents = fc.integer({ min: 0, max: 8 });

/** The textbook's way: shift the digits one by one, then look whether the result fits. */
function naive(text: string, exponent: number): bigint | undefined {
  const [whole = '', fraction = ''] = text.replace(/^[+-]/, '').split('.');
  let amount = 0n;
  for (const digit of whole) amount = amount * 10n + BigInt(digit);
  for (let place = 0; place < Math.max(exponent, fraction.length); place++) {
    const digit = BigInt(fraction[place] ?? '0');
    if (place < exponent) amount = amount * 10n + digit;
    else if (digit !== 0n) return undefined;
  }
  if (text.startsWith('-')) amount = -amount;
  return BigInt.asIntN(64, amount) === amount ? amount : undefined;
}

describe('decimal amounts', () => {
  it('are read as the naive model reads them', () => {
    const digits = (maxLength: number) =>
      fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength });
    const zeros = fc.nat(4).map((count) => '0'.repeat(count));
    const text = fc
      .tuple(fc.constantFrom('', '+', '-'), digits(21), fc.option(fc.tuple(digits(9), zeros)))
      .map(([sign, whole, fraction]) => sign + whole + (fraction ? `.${fraction.join('')}` : ''));
    fc.assert(
      fc.property(text, exponents, (decimal, exponent) => {
        expect(parseDecimal(decimal, exponent)).toBe(naive(decimal, exponent));
      }),
      { numRuns: 2000 },
    );
  });

  it('are written so that they are read back equal', () => {
    fc.assert(
      fc.property(amounts, exponents, (amount, exponent) => {
        const text = formatMinor(amount, exponent);
        expect(parseDecimal(text, exponent)).toBe(amount);
        expect(parseDecimal(`${text}${exponent === 0 ? '.' : ''}000`, exponent)).toBe(amount);
        expect(text.split('.')[1]?.length ?? 0).toBe(exponent);
      }),
    );
    expect(formatMinor(-1234n, 2)).toBe('-12.34');
    expect(formatMinor(-5n, 3)).toBe('-0.005');
    expect(formatMinor(1234n, 0)).toBe('1234');
    expect(formatMinor(0n, 2)).toBe('0.00');
  });

  it('are refused when they are anything but strict decimal text', () => {
    const wrong = [
      '',
      ' ',
      '.5',
      '5.',
      '-',
      '+-1',
      '--1',
      '1e3',
      '0x10',
      '1,000.00',
      '1 000',
      ' 1',
      '1 ',
      '1\n',
    ];
    for (const text of [...wrong, '1.2.3', '1_000', '١', 'NaN', 'Infinity', '£5', '(5)', '5-', '1n']) {
      expect([text, parseDecimal(text, 2)]).toEqual([text, undefined]);
    }
    expect(parseDecimal('1.005', 2)).toBeUndefined();
    expect(parseDecimal('1.5', 0)).toBeUndefined();
    expect(() => parseDecimal('1', -1)).toThrow(/assertion_failed/);
    expect(() => formatMinor(1n, 1.5)).toThrow(/assertion_failed/);
  });

  it('are refused outside a bigint, however long they are', () => {
    expect(parseDecimal('92233720368547758.07', 2)).toBe(MAX_AMOUNT);
    expect(parseDecimal('92233720368547758.08', 2)).toBeUndefined();
    expect(parseDecimal('-92233720368547758.08', 2)).toBe(-MAX_AMOUNT - 1n);
    expect(parseDecimal('-92233720368547758.09', 2)).toBeUndefined();
    expect(parseDecimal(`${'0'.repeat(50)}1`, 2)).toBe(100n);
    expect(parseDecimal('9'.repeat(1_000_000), 2)).toBeUndefined();
  });
});

describe('amounts in minor units', () => {
  it('are integer text, read back equal', () => {
    fc.assert(
      fc.property(amounts, (amount) => {
        expect(parseMinor(String(amount))).toBe(amount);
      }),
    );
    expect(parseMinor('+007')).toBe(7n);
    expect(parseMinor('-0')).toBe(0n);
  });

  it('are refused when they are no integer, or no bigint', () => {
    for (const text of ['', '1.0', '1.', ' 1', '1e2', '0x1', '9223372036854775808', '-9223372036854775809']) {
      expect([text, parseMinor(text)]).toEqual([text, undefined]);
    }
  });
});
