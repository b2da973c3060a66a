import { stringify } from '../core/json.ts';
import { formatMinor } from '../core/money.ts';
import { painted } from './paint.ts';

/** A stream that may be a terminal. */
export type Screen = NodeJS.WritableStream & { isTTY?: boolean; columns?: number; rows?: number };

/** Where a command writes: results to `out`, everything else to `err`. */
export interface Terminal {
  readonly out: Screen;
  readonly err: Screen;
  /** True when the caller asked for JSON: then `out` gets one JSON document and nothing else. */
  readonly json: boolean;
  /** A terminal on which nothing can be drawn again, as TERM=dumb says. */
  readonly dumb?: boolean;
}

/** Prints the result of a command: the document for `--json`, else the text made from it for so many columns. */
export function printResult<T>(
  terminal: Terminal,
  result: T,
  render: (result: T, width: number) => string,
): void {
  if (terminal.json) terminal.out.write(`${stringify(result)}\n`);
  else show(terminal.out, `${render(result, columnsOf(terminal.out))}\n`);
}

/** A line about what is going on, for people. */
export function note(terminal: Terminal, text: string): void {
  show(terminal.err, `${text}\n`);
}

/** Writes a text that may be painted, harmless whoever wrote what it tells. */
export function show(stream: Screen, text: string): void {
  stream.write(painted(harmless(text), stream));
}

/** How many columns there are; Infinity where it is no terminal, for a file and a program take lines of any length. */
export function columnsOf({ isTTY, columns }: Screen): number {
  return isTTY === true && columns !== undefined && columns > 0 ? columns : Number.POSITIVE_INFINITY;
}

/** True where lines can be drawn again in place. */
export function isLive({ err, json, dumb }: Terminal): boolean {
  return err.isTTY === true && !json && dumb !== true;
}

/**
 * A text of several lines in which nothing steers the terminal: a manifest, a name of a file or a reason may have been
 * written by somebody who would like to be taken for us.
 */
export function harmless(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/gu, escaped);
}

/** The same as one line, for a cell or for what stands within a sentence. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}|[\u202a-\u202e\u2066-\u2069]/gu, escaped);
}

const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escaped(control: string): string {
  return ESCAPES[control] ?? `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** 1234567n → `1,234,567`. */
export function formatCount(count: bigint | number): string {
  return count.toString().replace(/\B(?=(\d{3})+$)/g, ',');
}

/** 123456n, 2 → `1,234.56`. */
export function formatMoney(amount: bigint, exponent: number): string {
  const [whole = '', fraction] = formatMinor(amount, exponent).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
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
