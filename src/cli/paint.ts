import { randomUUID } from 'node:crypto';
import { styleText } from 'node:util';

/** The few colours there are, each with one meaning. A colour never stands alone: a sign or a word says the same. */
const styles = {
  heading: ['bold'],
  strong: ['bold'],
  faint: ['dim'],
  good: ['green'],
  calm: ['cyan'],
  attention: ['yellow'],
  bad: ['red', 'bold'],
} as const;

export type Style = keyof typeof styles;

/** Begins and ends what is painted, until it is known where it goes. Nobody can guess it, so no text that is told has it. */
const MARK = randomUUID();
const MARKS = new RegExp(`${MARK}<(\\w+|/)>`, 'g');
const SPANS = new RegExp(`${MARK}<(\\w+)>([^]*?)${MARK}</>`, 'g');

/** A text that is in this style where it is shown on a terminal. It is never painted twice. */
export function paint(style: Style, text: string): string {
  return text === '' ? '' : `${MARK}<${style}>${text}${MARK}</>`;
}

/** The text alone. */
export function unpainted(text: string): string {
  return text.includes(MARK) ? text.replace(MARKS, '') : text;
}

/** The pieces of a text: those with a style are painted. */
export function spansOf(text: string): { readonly style: Style | undefined; readonly text: string }[] {
  const spans: { style: Style | undefined; text: string }[] = [];
  let end = 0;
  for (const match of text.matchAll(SPANS)) {
    if (match.index > end) spans.push({ style: undefined, text: text.slice(end, match.index) });
    spans.push({ style: match[1] as Style, text: match[2] ?? '' });
    end = match.index + match[0].length;
  }
  if (end < text.length) spans.push({ style: undefined, text: text.slice(end) });
  return spans;
}

/**
 * The text as this stream shows it: in colours on a terminal that has some, as NO_COLOR, FORCE_COLOR and TERM say, and plain
 * elsewhere.
 */
export function painted(text: string, stream: NodeJS.WritableStream): string {
  if (!text.includes(MARK)) return text;
  return text.replace(SPANS, (_, style: Style, inner: string) =>
    styleText([...styles[style]], inner, { stream: stream as NodeJS.WriteStream, validateStream: true }),
  );
}
