import { unpainted } from './paint.ts';

/** Characters that take two columns: those of East Asia in their scripts and in full width, and pictures. */
const WIDE =
  /^(?:[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Yi}\p{Emoji_Presentation}\u3000-\u303e\u30fb\u30fc\u31f0-\u33ff\uff01-\uff60\uffe0-\uffe6])/u;
const HALF_KATAKANA = /^[\uff61-\uffdc]/u;
/** What takes none by itself: marks over the letter before, and what joins or directs. */
const NONE = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;
/** A sign that this selector makes a picture of. */
const AS_PICTURE = '\ufe0f';

/** How many columns of a terminal a text of one line takes, without what paints it. */
export function displayWidth(text: string): number {
  const plain = unpainted(text);
  // Most texts are plain, and need no look at each character.
  if (/^[\x20-\x7e]*$/.test(plain)) return plain.length;
  let width = 0;
  for (const piece of graphemes(plain)) width += widthOf(piece);
  return width;
}

/** What people see as one character each. */
export function graphemes(text: string): string[] {
  return Array.from(new Intl.Segmenter('en').segment(text), ({ segment }) => segment);
}

/** Of one character as people see it. */
export function widthOf(grapheme: string): number {
  if (NONE.test(grapheme)) return 0;
  if (HALF_KATAKANA.test(grapheme)) return 1;
  return WIDE.test(grapheme) || grapheme.includes(AS_PICTURE) ? 2 : 1;
}
