import { AppError } from './errors.ts';

// Deeper than any request we take, and far above where the call stack would end.
const MAX_DEPTH = 200;

/**
 * JSON with one spelling for each value, for fingerprints: members sorted by name (by UTF-16 unit, as in RFC 8785),
 * no spaces, a bigint as a string of digits, a Date in ISO form, undefined members left out. What JSON would
 * silently bend (NaN, a function, a Map, an invalid Date, a cycle, 200 levels) throws `not_canonical` instead, for
 * two different requests must not get one fingerprint.
 */
export function canonicalJson(value: unknown): string {
  return canonical(value, new Set());
}

/** JSON for everything printed or sent: a bigint becomes a string of digits, a Date its ISO form, nothing null. */
export function stringify(value: unknown, indent?: number): string {
  return (
    JSON.stringify(value, (_, member) => (typeof member === 'bigint' ? String(member) : member), indent) ??
    'null'
  );
}

/** `open` are the objects that hold the value: meeting one again is a cycle. */
function canonical(value: unknown, open: Set<object>): string {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return JSON.stringify(value);
    case 'bigint':
      return `"${value}"`;
    case 'number':
      if (!Number.isFinite(value)) throw notCanonical(String(value));
      return JSON.stringify(value);
    case 'object':
      break;
    default:
      throw notCanonical(`a value of type ${typeof value}`);
  }
  if (value === null) return 'null';
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw notCanonical('an invalid Date');
    return JSON.stringify(value);
  }
  if (open.has(value)) throw notCanonical('an object that contains itself');
  if (open.size >= MAX_DEPTH) throw notCanonical(`more than ${MAX_DEPTH} levels`);
  open.add(value);
  const text = Array.isArray(value) ? arrayText(value, open) : objectText(value, open);
  open.delete(value);
  return text;
}

function arrayText(items: unknown[], open: Set<object>): string {
  let text = '';
  // By index, for an array may have holes, which an iteration over its members passes by.
  for (let index = 0; index < items.length; index++) {
    text += `${index === 0 ? '' : ','}${canonical(items[index], open)}`;
  }
  return `[${text}]`;
}

function objectText(value: object, open: Set<object>): string {
  const maker = Object.getPrototypeOf(value)?.constructor;
  if (maker !== undefined && maker !== Object) throw notCanonical(`an object of class ${maker.name}`);
  let text = '';
  for (const name of Object.keys(value).sort()) {
    const member = (value as Record<string, unknown>)[name];
    if (member === undefined) continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${canonical(member, open)}`;
  }
  return `{${text}}`;
}

function notCanonical(what: string): AppError {
  return new AppError('invalid', 'not_canonical', `A fingerprint cannot be taken of ${what}.`);
}

/** A string of JSON, with the colon that makes it a name. */
const STRINGS = /"([^"\\]*(?:\\.[^"\\]*)*)"(\s*:)?/g;

/** Stands for a name while a text is parsed; nobody can guess it, so no text has it. */
const MARK = crypto.randomUUID();

/**
 * JSON.parse, which in the V8 of Node 24 (nodejs/node#63785) reads a name with an escape as another one, once some object
 * has had a name with a backslash: `{"\n": 1}` comes out as `{"\\": 1}`. So names with escapes are read by themselves.
 *
 * @throws SyntaxError
 */
export function parseJson(text: string): unknown {
  const names: unknown[] = [];
  const plain = text.includes('\\')
    ? text.replace(STRINGS, (string: string, inner: string, colon: string | undefined) =>
        colon === undefined || !inner.includes('\\')
          ? string
          : `"${MARK}${names.push(JSON.parse(`"${inner}"`)) - 1}"${colon}`,
      )
    : text;
  if (names.length === 0) return JSON.parse(text);
  return JSON.parse(plain, (_, value: unknown) => (isPlain(value) ? renamed(value, names) : value));
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function renamed(value: object, names: readonly unknown[]): object {
  const members = Object.entries(value).map(([name, member]): [string, unknown] => [
    name.startsWith(MARK) ? String(names[Number(name.slice(MARK.length))]) : name,
    member,
  ]);
  return Object.fromEntries(members);
}
