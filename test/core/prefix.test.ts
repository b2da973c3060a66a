import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { afterPrefix } from '../../src/core/prefix.ts';

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.string({
    unit: fc.constantFrom('a', '\u{d7ff}', '\u{e000}', '\u{ffff}', '\u{10000}', '\u{10ffff}'),
    maxLength: 6,
  }),
);

const isBefore = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;

describe('what begins with a prefix', () => {
  it('lies between it and the first text after, by the bytes of UTF-8, and nothing else does', () => {
    fc.assert(
      fc.property(
        anyText.filter((text) => text !== ''),
        anyText,
        (prefix, text) => {
          const end = afterPrefix(prefix, 20);
          expect(end.isWellFormed()).toBe(true);
          for (const one of [text, prefix + text, prefix.slice(0, -1) + text]) {
            if (!one.isWellFormed()) continue;
            expect(!isBefore(one, prefix) && isBefore(one, end)).toBe(one.startsWith(prefix));
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('ends where the next character begins', () => {
    expect(afterPrefix('INV-', 200)).toBe('INV.');
    expect(afterPrefix('a\u{10ffff}', 200)).toBe('b');
    expect(afterPrefix('\u{d7ff}', 200)).toBe('\u{e000}');
    expect(afterPrefix('\u{10ffff}', 2)).toBe('\u{10ffff}\u{10ffff}\u{10ffff}');
  });
});
