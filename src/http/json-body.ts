import { isUtf8 } from 'node:buffer';
import { AppError } from '../core/errors.ts';
import { parseJson } from '../core/json.ts';
import type { App } from './app-type.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** How many JSON values a body may have, where it is not MAX_VALUES. */
    maxValues?: number;
    /** The body may be missing, and is `{}` then. */
    emptyBody?: boolean;
  }
}

// Metadata may have 32 levels; what stands around it needs a few more.
const MAX_DEPTH = 40;

/** The values of a body, unless a route takes more: checks take time for each, and a megabyte has room for half a million. */
export const MAX_VALUES = 20_000;

// Numbers shorter than 16 digits always fit a double, and no exponent can take them out of its range. A number begins the
// document or follows one of `:,[` or a blank, which tells most of them from the digits of a text.
const SUSPECT_NUMBER = /(?:^|[:,[\s])-?(?:[\d.]{16}|[\d.]{1,15}[eE])/;

/** Bodies are JSON, and nothing else, unless a scope within says so. */
export function readJsonBodies(app: App): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    const { maxValues, emptyBody } = request.routeOptions.config;
    try {
      done(null, body.length === 0 && emptyBody ? {} : parseJsonBody(body, maxValues));
    } catch (error) {
      done(error as Error);
    }
  });
  // A request that declares no body has none to parse.
  app.addHook('onRoute', (route) => {
    if (!route.config?.emptyBody) return;
    route.preValidation = (request, _reply, done) => {
      if (request.body === undefined) request.body = {};
      done();
    };
  });
}

/**
 * Reads a request body of at most `maxValues` values, refusing what JSON.parse would quietly bend: bytes that are not
 * UTF-8, numbers a double cannot hold (an amount above 2^53 would come out as another one), and names that reach for
 * an object's prototype. Of members with one name the last counts, as everywhere in JavaScript.
 *
 * @throws AppError invalid/invalid_json, body_too_complex, forbidden_member, inexact_number
 */
export function parseJsonBody(body: Buffer, maxValues = MAX_VALUES): unknown {
  const text = decode(body);
  const value = parse(text);
  const walk = { maxValues, values: 0, numbers: false };
  inspect(value, walk);
  if (walk.numbers && SUSPECT_NUMBER.test(text)) JSON.parse(text, refuseInexact);
  return value;
}

function decode(body: Buffer): string {
  if (!isUtf8(body)) throw new AppError('invalid', 'invalid_json', 'The body is not UTF-8.');
  const text = body.toString('utf8');
  // Not a part of the text (RFC 8259, section 8.1), though some put it there.
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

function parse(text: string): unknown {
  try {
    return parseJson(text);
  } catch (cause) {
    const detail = text === '' ? 'The body is empty; send a JSON document.' : 'The body is not JSON.';
    throw new AppError('invalid', 'invalid_json', detail, { cause });
  }
}

/** What is met on the walk through a body. */
interface Walk {
  readonly maxValues: number;
  values: number;
  numbers: boolean;
}

/** Goes as deep as is allowed and no deeper, so that a hostile body does not end the call stack. */
function inspect(value: unknown, walk: Walk, depth = 1): void {
  if (++walk.values > walk.maxValues) {
    throw new AppError('invalid', 'body_too_complex', `The body has more than ${walk.maxValues} values.`);
  }
  if (typeof value === 'number') walk.numbers = true;
  if (!isObject(value)) return;
  if (depth > MAX_DEPTH) {
    const detail = `The body is nested deeper than ${MAX_DEPTH} levels.`;
    throw new AppError('invalid', 'body_too_complex', detail);
  }
  if (Array.isArray(value)) {
    for (const item of value) inspect(item, walk, depth + 1);
    return;
  }
  // What JSON.parse made inherits nothing that would be listed here.
  for (const name in value) {
    const member: unknown = value[name as keyof typeof value];
    if (name === '__proto__' || name === 'constructor') refusePrototype(name, member);
    inspect(member, walk, depth + 1);
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** `__proto__`, and `prototype` within `constructor`: the two ways by which a careless merge poisons every object. */
function refusePrototype(name: string, member: unknown): void {
  if (name === 'constructor' && !(isObject(member) && Object.hasOwn(member, 'prototype'))) return;
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
