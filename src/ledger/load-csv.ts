import { parse } from 'csv-parse';
import { AppError, isAppError } from '../core/errors.ts';
import { type LoadColumn, type LoadRecord, loadColumns, MAX_RECORD, rejectColumns } from './load-record.ts';

const required: readonly string[] = loadColumns.slice(0, 5);
const always = loadColumns.length - 1;

/**
 * Reads CSV (RFC 4180, lines ending with LF or CRLF) whose first line names the columns, in whatever order. Some
 * records at a time, in the order of the file; blank lines are none.
 *
 * @throws AppError invalid/bad_header, invalid/bad_csv
 */
export async function* readCsv(name: string, chunks: AsyncIterable<Buffer>): AsyncGenerator<LoadRecord[]> {
  let found: string[][] = [];
  let line = 1;
  let header: readonly string[] | undefined;
  let toCanonical: readonly number[] = [];
  let passedOver = 0;
  // Records are taken as they are parsed and none is pushed on: nothing piles up, and those before a fault of the
  // quoting are not lost with it.
  const parser = parse({
    bom: true,
    record_delimiter: ['\r\n', '\n'],
    relax_column_count: true,
    max_record_size: MAX_RECORD,
    on_record: (cells: string[]) => {
      found.push(cells);
      return null;
    },
  });
  parser.on('error', () => {});
  parser.resume();

  function take(): LoadRecord[] {
    const records: LoadRecord[] = [];
    for (const cells of found) {
      const begins = line;
      line += 1 + newlinesIn(cells);
      if (cells.length === 1 && cells[0] === '') continue;
      const own = passedOver === 0 ? cells : cells.slice(passedOver);
      if (header) records.push(csvRecord(begins, header, toCanonical, own));
      else {
        passedOver = rejectColumns.every((column, index) => cells[index] === column)
          ? rejectColumns.length
          : 0;
        header = checkHeader(name, cells.slice(passedOver));
        toCanonical = loadColumns.map((column) => (header as readonly string[]).indexOf(column));
      }
    }
    found = [];
    return records;
  }

  let broken: unknown;
  try {
    for await (const chunk of chunks) {
      const failure = await settled((done) => parser.write(chunk, done));
      yield take();
      if (failure) throw badCsv(name, line, failure);
    }
  } catch (error) {
    // What came before bytes that are not UTF-8 are whole lines, of which the parser still holds the last.
    if (!isAppError(error, 'not_utf8')) throw error;
    broken = error;
  }
  const failure = await settled((done) => parser.end(done));
  yield take();
  if (broken) throw broken;
  if (failure) throw badCsv(name, line, failure);
  if (!header) checkHeader(name, []);
}

function csvRecord(
  line: number,
  header: readonly string[],
  toCanonical: readonly number[],
  cells: readonly string[],
): LoadRecord {
  if (cells.length !== header.length) {
    const reason = `there are ${cells.length} cells, but ${header.length} columns`;
    return {
      line,
      text: JSON.stringify(cells),
      cells,
      header,
      values: {},
      fault: { column: undefined, reason },
    };
  }
  const values: Partial<Record<LoadColumn, string>> = {};
  const canonical: string[] = [];
  for (const [index, column] of loadColumns.entries()) {
    const cell = cells[toCanonical[index] as number] ?? '';
    if (index < always || cell !== '') canonical.push(cell);
    if (cell !== '') values[column] = cell;
  }
  return { line, text: JSON.stringify(canonical), cells, header, values };
}

function checkHeader(name: string, cells: readonly string[]): readonly string[] {
  const header = cells.map((cell) => cell.trim());
  const unknown = header.filter((column) => !(loadColumns as readonly string[]).includes(column));
  const missing = required.filter((column) => !header.includes(column));
  const repeated = header.filter((column, index) => header.indexOf(column) !== index);
  const faults = [
    unknown.length > 0
      ? `unknown columns: ${unknown.map((column) => JSON.stringify(column)).join(', ')}`
      : '',
    missing.length > 0 ? `missing columns: ${missing.join(', ')}` : '',
    repeated.length > 0 ? `repeated columns: ${repeated.join(', ')}` : '',
  ].filter((fault) => fault !== '');
  if (faults.length === 0) return header;
  const detail = `${name}: the first line must name the columns. ${faults.join('; ')}. Known are ${loadColumns.join(', ')}.`;
  throw new AppError('invalid', 'bad_header', detail);
}

/** The failure a stream's callback reports, if any. */
function settled(action: (done: (error?: Error | null) => void) => void): Promise<Error | undefined> {
  return new Promise((resolve) => action((error) => resolve(error ?? undefined)));
}

function newlinesIn(cells: readonly string[]): number {
  let count = 0;
  for (const cell of cells) {
    for (let at = cell.indexOf('\n'); at >= 0; at = cell.indexOf('\n', at + 1)) count++;
  }
  return count;
}

/** Where a quote is missing nobody can tell where records end, so there is no going on behind it. */
function badCsv(name: string, line: number, { message }: Error): AppError {
  const detail = `${name}: the record that begins on line ${line} is not CSV: ${message}. What stands before it is booked. Mend the quotes and give the file again.`;
  return new AppError('invalid', 'bad_csv', detail);
}
