import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, parseJson, stringify } from '../../src/core/json.ts';

/** The same value with the members of every object in reverse order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).map(([name, member]) => [name, reversed(member)]);
  return Object.fromEntries(entries.reverse());
}

/** Names of which some begin as others are spelled: what V8's JSON.parse takes for each other. */
const name = fc.string({
  unit: fc.constantFrom('\\', '"', '\n', 'n', 'u', 'é', ':', '{', ' '),
  maxLength: 3,
});
const document = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.string({ unit: fc.constantFrom('\\', '"', ':', 'a'), maxLength: 3 }),
    fc.integer(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(name, tie('value'), { maxKeys: 4 }),
  ),
})).value;

describe('reading JSON', () => {
  it('keeps every name, whatever was read before', () => {
    fc.assert(
      fc.property(document, fc.constantFrom(undefined, 1), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(JSON.stringify(parseJson(text), null, indent)).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });

  it('keeps names that are spelled as others are', () => {
    for (const poison of ['{"a":1,"\\\\":1}', '{"x\\\\":1}', '{"\\\\":1}']) parseJson(poison);
    for (const text of ['{"a":1,"\\"":1}', '{"a":1,"\\n":1}', '{"x\\"":1}', '{"\\t":1}']) {
      expect(JSON.stringify(parseJson(text))).toBe(text);
    }
    expect(parseJson('{"\\u0061" : 1, "b\\u0062": {"\\u005c": "\\""}}')).toEqual({ a: 1, bb: { '\\': '"' } });
  });

  it('takes the last of members with one name, and a prototype for a name like others', () => {
    expect(parseJson('{"a":1,"\\u0061":2}')).toEqual({ a: 2 });
    expect(parseJson('{"\\u0061":1,"a":2}')).toEqual({ a: 2 });
    const read = parseJson('{"\\u005f_proto__":{"admin":true}}') as object;
    expect(Object.keys(read)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
  });

  it.each(['{"\\x":1}', '{"\\":1}', '{"a\\n":1', '{"a\\nb"}', '"\\', '{"\\u00zz":1}', '{"\n\\n":1}'])(
    'refuses %j',
    (text) => {
      expect(() => parseJson(text)).toThrow(SyntaxError);
    },
  );
});

describe('canonical JSON', () => {
  it('is the same for the same value in any order, and parses back to it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(reversed(value))).toBe(text);
        expect(parseJson(text)).toEqual(parseJson(JSON.stringify(value)));
      }),
    );
  });

  it('differs for values that differ', () => {
    // A small world, so that equal and nearly equal values meet often.
    const key = fc.constantFrom('a', 'b', 'a,b');
    const values = [fc.constantFrom<unknown>(0, '0', 1, true, null, 'null', '', '"')];
    const small = fc.object({ key, values, maxDepth: 2, maxKeys: 2 });
    fc.assert(
      fc.property(small, small, (one, other) => {
        expect(canonicalJson(one) === canonicalJson(other)).toBe(isDeepStrictEqual(one, other));
      }),
      { numRuns: 2000 },
    );
  });

  it('sorts members, writes bigint as digits and dates in ISO form, leaves undefined members out', () => {
    const at = new Date('2026-01-01T00:00:00Z');
    expect(canonicalJson({ b: 2n ** 63n, a: [at, null, { d: 1, c: undefined }], Z: 'é"\n', aa: true })).toBe(
      '{"Z":"é\\"\\n","a":["2026-01-01T00:00:00.000Z",null,{"d":1}],"aa":true,"b":"9223372036854775808"}',
    );
    expect(canonicalJson(Object.assign(Object.create(null), { b: 1, a: 1 }))).toBe('{"a":1,"b":1}');
    expect(canonicalJson(JSON.parse('{"constructor":1,"__proto__":{"x":1}}'))).toBe(
      '{"__proto__":{"x":1},"constructor":1}',
    );
  });

  it('takes one object twice, but not one inside itself', () => {
    const shared = { a: 1 };
    expect(canonicalJson([shared, { shared }])).toBe('[{"a":1},{"shared":{"a":1}}]');
    const cycle: Record<string, unknown> = {};
    cycle.self = [cycle];
    expect(() => canonicalJson(cycle)).toThrow(/not_canonical.*contains itself/);
  });

  it('refuses what it would have to bend', () => {
    const values = [
      undefined,
      () => 1,
      Symbol('s'),
      Number.NaN,
      Infinity,
      new Date(Number.NaN),
      new Map(),
      /x/,
    ];
    for (const value of values) {
      expect(() => canonicalJson({ value: [value] })).toThrow(/not_canonical/);
    }
    expect(() => canonicalJson({ call: () => 1 })).toThrow(/not_canonical.*function/);
    expect(() => canonicalJson(new Array(2))).toThrow(/not_canonical/);
  });

  it('refuses a hostile depth before the stack ends', () => {
    expect(canonicalJson(JSON.parse('['.repeat(200) + ']'.repeat(200)))).toHaveLength(400);
    const deep = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000));
    expect(() => canonicalJson(deep)).toThrow(/not_canonical.*200 levels/);
  });
});

describe('printed JSON', () => {
  it('keeps the order of members and writes bigint and dates as strings', () => {
    const value = { b: 12n, a: [new Date(0), undefined], c: undefined };
    expect(stringify(value)).toBe('{"b":"12","a":["1970-01-01T00:00:00.000Z",null]}');
    expect(stringify({ a: 1n }, 2)).toBe('{\n  "a": "1"\n}');
    expect(stringify(5n)).toBe('"5"');
    expect(stringify(undefined)).toBe('null');
  });
});
