import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CursorReader, cursorScope, encodeCursor, readCursor } from '../../src/core/cursor.ts';

const scope = cursorScope({ list: 'things', ledgerId: 1, from: new Date(0) });

function readAll(reader: CursorReader) {
  const parts = [reader.word(['a', 'b']), reader.instant(), reader.uuid(), reader.count()];
  reader.end();
  return parts;
}

const anyParts = fc.tuple(
  fc.constantFrom('a', 'b'),
  fc.date({
    min: new Date('0001-01-01T00:00:00Z'),
    max: new Date('9999-12-31T23:59:59.999Z'),
    noInvalidDate: true,
  }),
  fc.uuid(),
  fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
);

describe('a cursor', () => {
  it('is read as it was written, and safe in a URL', () => {
    fc.assert(
      fc.property(anyParts, (parts) => {
        const cursor = encodeCursor(scope, parts);
        expect(cursor).toMatch(/^[\w-]+$/);
        expect(readAll(readCursor(scope, cursor))).toEqual(parts);
      }),
    );
  });

  it('is refused by every other list', () => {
    const other = fc.record({
      list: fc.constantFrom('things', 'statement'),
      ledgerId: fc.integer({ min: 1, max: 3 }),
      from: fc.option(fc.constantFrom(new Date(0), new Date(1)), { nil: undefined }),
    });
    fc.assert(
      fc.property(other, other, anyParts, (a, b, parts) => {
        const same = JSON.stringify(a) === JSON.stringify(b);
        const read = () => readAll(readCursor(cursorScope(b), encodeCursor(cursorScope(a), parts)));
        if (same) expect(read()).toEqual(parts);
        else expect(read).toThrow(expect.objectContaining({ kind: 'invalid', code: 'cursor_invalid' }));
      }),
    );
  });

  it('that is none is refused, whatever it is, and never anything else', () => {
    const forged = fc
      .array(
        fc.oneof(
          fc.constant('a'),
          fc.double(),
          fc.constantFrom(
            -1,
            1e300,
            2 ** 53,
            -6.3e13,
            '9'.repeat(19),
            '-1',
            '1.5',
            '',
            '0x1',
            'a'.repeat(600),
          ),
          fc.uuid(),
          fc.jsonValue(),
        ),
        { maxLength: 6 },
      )
      .map((parts) => Buffer.from(JSON.stringify([1, scope, ...parts])).toString('base64url'));
    const damaged = fc
      .tuple(anyParts, fc.nat(60), fc.string({ maxLength: 2 }))
      .map(([parts, place, text]) => {
        const cursor = encodeCursor(scope, parts);
        return cursor.slice(0, place) + text + cursor.slice(place + 2);
      });
    const anything = fc.oneof(
      forged,
      damaged,
      fc.string(),
      fc.base64String(),
      fc.string({ minLength: 500, maxLength: 700 }),
    );
    fc.assert(
      fc.property(anything, (cursor) => {
        try {
          const [, at, id, count] = readAll(readCursor(scope, cursor)) as [string, Date, string, bigint];
          // What is read is fit for PostgreSQL.
          expect(at.toISOString()).toMatch(/^\d{4}-/);
          expect(id).toMatch(/^[0-9a-f-]{36}$/);
          expect(count >= 0n && count < 2n ** 63n).toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ kind: 'invalid', code: 'cursor_invalid' });
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('has no more and no fewer parts than were asked for', () => {
    const parts = ['a', new Date(0), '00000000-0000-7000-8000-000000000000', 1n] as const;
    const invalid = expect.objectContaining({ code: 'cursor_invalid' });
    expect(() => readAll(readCursor(scope, encodeCursor(scope, [...parts, 1n])))).toThrow(invalid);
    expect(() => readAll(readCursor(scope, encodeCursor(scope, parts.slice(0, 3))))).toThrow(invalid);
  });
});
