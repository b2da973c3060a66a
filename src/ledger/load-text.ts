import { isUtf8 } from 'node:buffer';
import { AppError } from '../core/errors.ts';

const NEWLINE = 0x0a;

/**
 * Passes the bytes on while they are UTF-8. A parser would turn what is not into U+FFFD in silence, and names in a
 * ledger would be lost; so the load stops at that line, after all lines before it.
 *
 * @throws AppError invalid/not_utf8
 */
export async function* requireUtf8(name: string, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let tail: Buffer = Buffer.alloc(0);
  let lines = 1;
  for await (const chunk of chunks) {
    const bytes = tail.length === 0 ? chunk : Buffer.concat([tail, chunk]);
    const whole = bytes.length - unfinished(bytes);
    const head = bytes.subarray(0, whole);
    if (!isUtf8(head)) {
      const sound = head.subarray(0, soundLength(head));
      const good = sound.subarray(0, sound.lastIndexOf(NEWLINE) + 1);
      if (good.length > 0) yield good;
      throw notUtf8(name, lines + newlines(good));
    }
    lines += newlines(head);
    if (whole > 0) yield head;
    tail = bytes.subarray(whole);
  }
  if (tail.length > 0) throw notUtf8(name, lines);
}

/**
 * Passes on what ends with the end of a line. A producer that is killed in a pipe leaves half a line, which may well
 * read as a whole row with a shorter amount; so such a line is not read, and those before it are.
 *
 * @throws AppError invalid/source_cut_off
 */
export async function* requireLineEnd(name: string, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let last: number | undefined;
  for await (const chunk of chunks) {
    last = chunk.at(-1) ?? last;
    yield chunk;
  }
  if (last === undefined || last === NEWLINE) return;
  const detail = `${name} ends in the middle of a line, as if whoever writes it had been killed. What stands before that line is booked. Give the whole input again, with a line end at its end, to go on.`;
  throw new AppError('invalid', 'source_cut_off', detail);
}

/**
 * Cuts bytes into lines, without their ends. A line longer than `limit` bytes is given cut off after one byte more, so
 * that memory stays bounded and whoever reads it sees that it is too long.
 */
export async function* splitLines(chunks: AsyncIterable<Buffer>, limit: number): AsyncGenerator<Buffer[]> {
  let begun: Buffer = Buffer.alloc(0);
  const extend = (bytes: Buffer) => {
    if (begun.length <= limit) begun = Buffer.concat([begun, bytes.subarray(0, limit + 1 - begun.length)]);
  };
  for await (const chunk of chunks) {
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      if (begun.length === 0) lines.push(chunk.subarray(start, Math.min(end, start + limit + 1)));
      else {
        extend(chunk.subarray(start, end));
        lines.push(begun);
        begun = Buffer.alloc(0);
      }
      start = end + 1;
    }
    extend(chunk.subarray(start));
    if (lines.length > 0) yield lines;
  }
  if (begun.length > 0) yield [begun];
}

/** How many bytes at the end begin a character whose rest has not come yet: 0 to 3. */
function unfinished(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}

/** The length of the longest prefix that is UTF-8 or could go on as such, found by halving. */
function soundLength(bytes: Buffer): number {
  let [good, bad] = [0, bytes.length];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    const prefix = bytes.subarray(0, middle);
    if (isUtf8(prefix.subarray(0, middle - unfinished(prefix)))) good = middle;
    else bad = middle;
  }
  return good;
}

function newlines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count++;
  return count;
}

function notUtf8(name: string, line: number): AppError {
  const detail = `${name}, line ${line}: the bytes are not UTF-8. Convert the file first, as with iconv -f WINDOWS-1252 -t UTF-8.`;
  return new AppError('invalid', 'not_utf8', detail);
}
