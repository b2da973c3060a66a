const LAST = 0x10ffff;

/**
 * The first text after all that begin with `prefix`, in the order of code points, which is that of the bytes of UTF-8: what
 * begins with `INV-` lies between `INV-` and `INV.`. Where nothing can follow, for the prefix is made of the last code point
 * alone, it is longer than any text of up to `longest` characters that begins so.
 */
export function afterPrefix(prefix: string, longest: number): string {
  const points = Array.from(prefix, (character) => character.codePointAt(0) as number);
  while (points.at(-1) === LAST) points.pop();
  const last = points.pop();
  if (last === undefined) return String.fromCodePoint(LAST).repeat(longest + 1);
  // Surrogates are no characters of their own: what follows U+D7FF is U+E000.
  return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
}
