import { paint, spansOf } from './paint.ts';
import { displayWidth, graphemes, widthOf } from './width.ts';

/** How a table is made to fit where it is shown. */
export interface Fit {
  /** Columns of the terminal; Infinity where nothing limits it. */
  readonly width: number;
  /** Titles of columns that are left out first, in this order, while the table is too wide. */
  readonly drop?: readonly string[];
  /** Titles of columns whose texts may be cut short, where that is not enough. */
  readonly shorten?: readonly string[];
  /** Where it still does not fit: each row as a block of lines, a line for each column. */
  readonly stack?: boolean;
}

const GAP = 2;
const SHORTEST = 8;

/** Columns under their titles; those named in `right` are numbers and set flush right. */
export function table(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly string[] = [],
  fit: Fit = { width: Number.POSITIVE_INFINITY },
): string {
  let shown = titles.map((title, index) => ({
    title,
    index,
    width: Math.max(displayWidth(title), ...rows.map((row) => displayWidth(row[index] ?? ''))),
  }));
  const total = () => shown.reduce((sum, { width }) => sum + width + GAP, -GAP);
  for (const title of fit.drop ?? []) {
    if (total() <= fit.width) break;
    shown = shown.filter((one) => one.title !== title);
  }
  for (const title of fit.shorten ?? []) {
    const excess = total() - fit.width;
    const one = shown.find((column) => column.title === title);
    if (excess > 0 && one) one.width = Math.max(SHORTEST, displayWidth(title), one.width - excess);
  }
  if (total() > fit.width && fit.stack === true) return stacked(titles, rows);
  const line = (cells: readonly string[]) =>
    shown
      .map(({ title, index, width }) => pad(cells[index] ?? '', width, right.includes(title)))
      .join(' '.repeat(GAP))
      .trimEnd();
  return [line(titles.map((title) => paint('faint', title))), ...rows.map(line)].join('\n');
}

/** The rows one below the other, as lines `title  value`. */
function stacked(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const width = Math.max(...titles.map(displayWidth));
  return rows
    .map((row) =>
      titles.map((title, index) => `${paint('faint', pad(title, width))}  ${row[index] ?? ''}`).join('\n'),
    )
    .join('\n\n');
}

/** Names on the left and what there is to say of each, whose further lines stand below its first. */
export function facts(entries: readonly (readonly [name: string, text: string])[], width: number): string {
  const column = Math.max(...entries.map(([name]) => displayWidth(name))) + GAP;
  return entries
    .map(([name, text]) => {
      const lines = text.split('\n').flatMap((line) => wrap(line, width - column));
      return lines
        .map((line, at) => `${at === 0 ? paint('faint', pad(name, column)) : ' '.repeat(column)}${line}`)
        .join('\n');
    })
    .join('\n');
}

/** A text of one line in lines of at most so many columns, broken at blanks; a longer word stays whole. */
export function wrap(text: string, width: number): string[] {
  if (displayWidth(text) <= width) return [text];
  const lines: string[] = [];
  for (const { style, text: piece } of spansOf(text)) {
    for (const [at, word] of piece.split(' ').entries()) {
      const shown = style === undefined ? word : paint(style, word);
      const last = lines.at(-1);
      // Pieces follow each other without a blank.
      if (last !== undefined && at === 0) lines[lines.length - 1] = `${last}${shown}`;
      else if (last !== undefined && displayWidth(last) + 1 + displayWidth(word) <= width)
        lines[lines.length - 1] = `${last} ${shown}`;
      else lines.push(shown);
    }
  }
  return lines;
}

/** Filled up with blanks, or cut short with `…`. */
export function pad(text: string, width: number, right = false): string {
  const missing = width - displayWidth(text);
  if (missing >= 0) return right ? ' '.repeat(missing) + text : text + ' '.repeat(missing);
  return cut(text, width);
}

/** The beginning of a text that takes at most so many columns. */
export function cut(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let left = width - 1;
  let result = '';
  for (const { style, text: piece } of spansOf(text)) {
    let taken = '';
    for (const grapheme of graphemes(piece)) {
      const wide = widthOf(grapheme);
      if (wide > left) {
        left = -1;
        break;
      }
      taken += grapheme;
      left -= wide;
    }
    result += style === undefined ? taken : paint(style, taken);
    if (left < 0) break;
  }
  const short = `${result}…`;
  // A wide character that did not fit leaves a column free.
  return short + ' '.repeat(Math.max(0, width - displayWidth(short)));
}
