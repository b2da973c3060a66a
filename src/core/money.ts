import { assert } from './errors.ts';

/** Money is an integer of minor units (pence, cents) that fits PostgreSQL's `bigint`: this is the largest. */
export const MAX_AMOUNT = 2n ** 63n - 1n;
const MIN_AMOUNT = -(2n ** 63n);

// 2^63 has nineteen digits. A longer number is refused unread, for the cost of reading it grows with its square.
const MAX_DIGITS = 19;

const DECIMAL = /^([+-]?)(\d+)(?:\.(\d+))?$/;
const INTEGER = /^([+-]?)(\d+)$/;

/**
 * Reads decimal text such as `-12.34` as minor units of a currency with `exponent` decimals. Further decimals are
 * taken while they are zeros. Undefined for anything else: spaces, separators of thousands, `1e3`, `.5`, `5.`, a
 * fraction finer than the currency has, an amount no `bigint` holds.
 */
export function parseDecimal(text: string, exponent: number): bigint | undefined {
  assertExponent(exponent);
  const match = DECIMAL.exec(text);
  if (!match) return undefined;
  const [, sign = '', whole = '', fraction = ''] = match;
  if (fraction.length > exponent && /[1-9]/.test(fraction.slice(exponent))) return undefined;
  return amountOf(sign, whole + fraction.slice(0, exponent).padEnd(exponent, '0'));
}

/** Reads integer text as minor units. Undefined when it is not that, or no `bigint` holds it. */
export function parseMinor(text: string): bigint | undefined {
  const match = INTEGER.exec(text);
  return match ? amountOf(match[1] ?? '', match[2] ?? '') : undefined;
}

/** Minor units as decimal text with all of the currency's decimals: `-12.34`, and `-1234` where it has none. */
export function formatMinor(amount: bigint, exponent: number): string {
  assertExponent(exponent);
  const sign = amount < 0n ? '-' : '';
  const digits = String(amount < 0n ? -amount : amount);
  if (exponent === 0) return sign + digits;
  const padded = digits.padStart(exponent + 1, '0');
  return `${sign}${padded.slice(0, -exponent)}.${padded.slice(-exponent)}`;
}

function amountOf(sign: string, digits: string): bigint | undefined {
  const significant = digits.length > MAX_DIGITS ? digits.replace(/^0+/, '') : digits;
  if (significant.length > MAX_DIGITS) return undefined;
  const size = BigInt(significant);
  const amount = sign === '-' ? -size : size;
  return amount >= MIN_AMOUNT && amount <= MAX_AMOUNT ? amount : undefined;
}

function assertExponent(exponent: number): void {
  assert(Number.isInteger(exponent) && exponent >= 0, `a currency has 0, 1, 2… decimals, not ${exponent}`);
}
