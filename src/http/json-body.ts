import { AppError } from '../core/errors.ts';

// Metadata may have 32 levels; what stands around it needs a few more.
const MAX_DEPTH = 40;

// Checks take time for each value, and a body of a megabyte has room for half a million.
const MAX_VALUES = 20_000;

// Shorter numbers always fit a double, and no exponent can take them out of its range.
const SUSPECT_NUMBER = /[\d.]{16}|\d[eE]/;

/**
 * Reads a request body, refusing what JSON.parse would quietly bend: bytes that are not UTF-8, numbers a double cannot
 * hold (an amount above 2^53 would come out as another one), and names that reach for an object's prototype. Of
 * members with one name the last counts, as everywhere in JavaScript.
 *
 * @throws AppError invalid/invalid_json, body_too_complex, forbidden_member, inexact_number
 */
export function parseJsonBody(body: Buffer): unknown {
  const text = decode(body);
  const value = parse(text);
  inspect(value);
  if (SUSPECT_NUMBER.test(text)) JSON.parse(text, refuseInexact);
  return value;
}

function decode(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (cause) {
    throw new AppError('invalid', 'invalid_json', 'The body is not UTF-8.', { cause });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const detail = text === '' ? 'The body is empty; send a JSON document.' : 'The body is not JSON.';
    throw new AppError('invalid', 'invalid_json', detail, { cause });
  }
}

/** Walks with a list of its own, for the call stack ends before a hostile body does. */
function inspect(root: unknown): void {
  let values = 1;
  let level = [root].filter(isObject);
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) {
      throw new AppError(
        'invalid',
        'body_too_complex',
        `The body is nested deeper than ${MAX_DEPTH} levels.`,
      );
    }
    const next: object[] = [];
    for (const value of level) {
      if (!Array.isArray(value)) refusePrototype(value);
      const members = Object.values(value);
      values += members.length;
      if (values > MAX_VALUES) {
        throw new AppError('invalid', 'body_too_complex', `The body has more than ${MAX_VALUES} values.`);
      }
      for (const member of members) if (isObject(member)) next.push(member);
    }
    level = next;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** `__proto__`, and `prototype` within `constructor`: the two ways by which a careless merge poisons every object. */
function refusePrototype(value: object): void {
  const maker: unknown = Object.hasOwn(value, 'constructor') ? value.constructor : undefined;
  const poisonous =
    Object.hasOwn(value, '__proto__') || (isObject(maker) && Object.hasOwn(maker, 'prototype'));
  if (!poisonous) return;
  const detail = 'A member may not be named __proto__, nor prototype within constructor.';
  throw new AppError('invalid', 'forbidden_member', detail);
}

/** A reviver: it alone is told how a number was written (`JSON.parse source text access`, Node 21). */
function refuseInexact(name: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  if (typeof value !== 'number' || source === undefined || isExact(source, value)) return value;
  const shown = source.length > 40 ? `${source.slice(0, 40)}…` : source;
  const detail = `The number ${shown} (${name}) has more digits than JSON numbers keep; send a string.`;
  throw new AppError('invalid', 'inexact_number', detail);
}

/** True when the double is printed as the number that was written, or is that number to as many digits. */
function isExact(source: string, value: number): boolean {
  const written = decimalOf(source);
  if (written.digits === '') return value === 0;
  if (!Number.isFinite(value) || written.precision > 100) return false;
  return [String(value), value.toPrecision(written.precision)]
    .map(decimalOf)
    .some((held) => held.digits === written.digits && held.exponent === written.exponent);
}

/**
 * A JSON number as `0.digits × 10^exponent`, with zeros neither in front nor behind. `precision` is how many digits
 * were written; zeros that end a fraction do not count, for 0.10 means 0.1.
 */
function decimalOf(number: string): { digits: string; exponent: number; precision: number } {
  const [mantissa = '', power = '0'] = number.replace(/^-/, '').toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const all = whole + fraction.replace(/0+$/, '');
  const significant = all.replace(/^0+/, '');
  return {
    digits: significant.replace(/0+$/, ''),
    exponent: Number(power) + whole.length - (all.length - significant.length),
    precision: significant.length,
  };
}
