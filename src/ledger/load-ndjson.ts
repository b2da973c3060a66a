import { parseJson } from '../core/json.ts';
import { type LoadRecord, loadColumns, MAX_RECORD, rejectColumns } from './load-record.ts';
import { splitLines } from './load-text.ts';

const members: ReadonlySet<string> = new Set([...loadColumns, 'postings']);
const rejectMembers: ReadonlySet<string> = new Set([...rejectColumns, 'record']);

/** Reads one JSON object a line, some at a time, in the order of the file; blank lines are none. */
export async function* readNdjson(chunks: AsyncIterable<Buffer>): AsyncGenerator<LoadRecord[]> {
  let line = 0;
  for await (const lines of splitLines(chunks, MAX_RECORD)) {
    const records: LoadRecord[] = [];
    for (const bytes of lines) {
      line++;
      const text = bytes.toString('utf8').replace(line === 1 ? /^\uFEFF|\r$/g : /\r$/, '');
      if (text.trim() === '') continue;
      records.push({ line, ...readObject(bytes.length, text) });
    }
    yield records;
  }
}

function readObject(length: number, text: string): Omit<LoadRecord, 'line'> {
  const fault = (reason: string, column?: string) => ({ text, values: {}, fault: { column, reason } });
  if (length > MAX_RECORD) return fault(`the line is longer than ${MAX_RECORD} bytes`);
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    return fault(`it is not JSON: ${(error as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return fault('it is not a JSON object');
  const unknown = Object.keys(value).find((member) => !members.has(member));
  if (unknown === undefined) return { text, values: value };
  const rejected = rejectedRecord(value);
  return rejected === undefined ? fault('there is no such column', unknown) : readObject(length, rejected);
}

/** The record within a line of a reject file. */
function rejectedRecord(value: { record?: unknown }): string | undefined {
  const { record } = value;
  const known = Object.keys(value).every((member) => rejectMembers.has(member));
  return known && typeof record === 'string' ? record : undefined;
}
