import { stringify } from '../core/json.ts';

/** Where a command writes: results to `out`, everything else to `err`. */
export interface Terminal {
  readonly out: NodeJS.WritableStream;
  readonly err: NodeJS.WritableStream & { isTTY?: boolean };
  /** True when the caller asked for JSON: then `out` gets one JSON document and nothing else. */
  readonly json: boolean;
}

/** Prints the result of a command: the document for `--json`, else the text made from it. */
export function printResult<T>(terminal: Terminal, result: T, render: (result: T) => string): void {
  terminal.out.write(`${terminal.json ? stringify(result) : harmless(render(result))}\n`);
}

/** A line about what is going on, for people. */
export function note(terminal: Terminal, text: string): void {
  terminal.err.write(`${harmless(text)}\n`);
}

/**
 * A text of several lines in which nothing steers the terminal: a manifest, a name of a file or a reason may have been
 * written by somebody who would like to be taken for us.
 */
export function harmless(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, escaped);
}

/** The same as one line, for a cell or for what stands within a sentence. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, escaped);
}

const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escaped(control: string): string {
  return ESCAPES[control] ?? `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Columns under their titles; those named in `right` are numbers and set flush right. */
export function table(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly string[] = [],
): string {
  const widths = titles.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => (row[i] ?? '').length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => {
        const width = widths[i] ?? 0;
        return right.includes(titles[i] ?? '') ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [line(titles), ...rows.map(line)].join('\n');
}

/** 1234567n → `1,234,567`. */
export function formatCount(count: bigint | number): string {
  return count.toString().replace(/\B(?=(\d{3})+$)/g, ',');
}

/** 1536n → `1.5 KiB`. */
export function formatBytes(bytes: bigint | number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = Number(bytes);
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
