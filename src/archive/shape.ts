import { AppError } from '../core/errors.ts';

/** Takes a value out of parsed JSON, or throws a sentence that says where it is wrong. */
export type Reader<T> = (value: unknown, place: string) => T;

/** What a reader gives. */
export type Shape<R> = R extends Reader<infer T> ? T : never;

/** An object with these members and no others. */
export function object<M extends Record<string, Reader<unknown>>>(
  members: M,
): Reader<{ readonly [name in keyof M]: Shape<M[name]> }> {
  return (value, place) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(place, 'an object');
    const strange = Object.keys(value).find((name) => !Object.hasOwn(members, name));
    if (strange !== undefined) throw wrong(`${place}.${strange}`, 'left out');
    return Object.fromEntries(
      Object.entries(members).map(([name, read]) => [
        name,
        read((value as Record<string, unknown>)[name], `${place}.${name}`),
      ]),
    ) as { [name in keyof M]: Shape<M[name]> };
  };
}

export function list<T>(item: Reader<T>): Reader<readonly T[]> {
  return (value, place) => {
    if (!Array.isArray(value)) throw wrong(place, 'a list');
    return value.map((one, i) => item(one, `${place}[${i}]`));
  };
}

export function text(pattern: RegExp, what: string): Reader<string> {
  return (value, place) => {
    if (typeof value !== 'string' || !pattern.test(value)) throw wrong(place, what);
    return value;
  };
}

/** A whole number that no JSON reader bends. */
export function count(minimum = 0): Reader<number> {
  return (value, place) => {
    if (!Number.isSafeInteger(value) || (value as number) < minimum) {
      throw wrong(place, `a whole number from ${minimum}`);
    }
    return value as number;
  };
}

export function oneOf<const V extends readonly (string | number)[]>(...values: V): Reader<V[number]> {
  return (value, place) => {
    if (!values.includes(value as V[number])) throw wrong(place, values.join(' or '));
    return value as V[number];
  };
}

export function nullable<T>(read: Reader<T>): Reader<T | null> {
  return (value, place) => (value === null ? null : read(value, place));
}

function wrong(place: string, what: string): AppError {
  return new AppError('corrupt', 'invalid_manifest', `${place} must be ${what}.`);
}
