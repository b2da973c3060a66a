import { createReadStream } from 'node:fs';
import { pipeline, type Readable, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { parse } from 'csv-parse';
import { createDaySorter, type DaySorter } from './by-day.ts';
import { decodeCell, lineOf, poundsOf, readDay, readPence, supplierKey } from './cells.ts';
import { type ColumnMap, type Field, findColumns } from './columns.ts';

export interface SpendingOptions {
  /** The entity of the council's own account. */
  readonly council?: string;
  readonly currency?: string;
  /** Names of columns that the list of synonyms does not know. */
  readonly columns?: Partial<Record<Field, string>>;
  /** 03/04/2019 is the fourth of March. */
  readonly monthFirst?: boolean;
}

/** A line that is no transaction, and why. */
export interface AsideLine {
  readonly line: number;
  readonly reason: string;
  readonly cells: readonly string[];
  readonly header: readonly string[];
}

export interface SpendingReport {
  readonly lines: number;
  readonly transactions: number;
  /** Of those, the credits: negative amounts, whose sides are swapped. */
  readonly credits: number;
  readonly zeros: number;
  readonly unreadable: number;
}

/** The load format of `quartermaster load`. */
export const LOAD_HEADER =
  'created_at,debit_account,credit_account,amount,currency,user_id,reference_code,description,metadata\n';

// A title or two may stand above the header, never more than this.
const HEADER_WITHIN = 20;
const MAX_REFERENCE = 200;
const MAX_DESCRIPTION = 2000;
const MAX_METADATA = 16 * 1024;

/** Opens a spending file, or standard input as `-`, decompressing .gz and .zst. */
export function openSpending(path: string): Readable {
  const raw: Readable = path === '-' ? process.stdin : createReadStream(path);
  const unpack: Transform | undefined = /\.gz$/i.test(path)
    ? createGunzip()
    : /\.zst$/i.test(path)
      ? createZstdDecompress()
      : undefined;
  // What fails on the way destroys the last stream with the error, and so reaches who reads it.
  return unpack ? pipeline(raw, unpack, () => {}) : raw;
}

/**
 * Reads payments and sorts them by day. Lines that are no transactions go to `aside` as they are met. What is returned
 * gives the rows of the load file, a month at a time; nothing comes out before everything was read.
 */
export async function readSpending(
  input: Readable,
  options: SpendingOptions,
  aside: (line: AsideLine) => void,
): Promise<{ report: SpendingReport; header: readonly string[]; sorter: DaySorter }> {
  const sorter = createDaySorter();
  try {
    const counts = { lines: 0, transactions: 0, credits: 0, zeros: 0, unreadable: 0 };
    let columns: ColumnMap | undefined;
    let header: string[] = [];
    const first: string[][] = [];
    let line = 1;
    const parser = parse({
      // Bytes are kept as they are and decoded cell by cell: nobody says in what encoding a council writes.
      encoding: 'latin1',
      relax_column_count: true,
      relax_quotes: true,
      max_record_size: 1024 * 1024,
    });
    for await (const record of pipeline(withoutBom(input), parser, () => {})) {
      const cells = (record as string[]).map(decodeCell);
      const begins = line;
      line += 1 + cells.join('').split('\n').length - 1;
      if (cells.every((cell) => cell.trim() === '')) continue;
      if (!columns) {
        header = cells.map(lineOf);
        columns = findColumns(header, options.columns);
        first.push(header);
        if (!columns && first.length >= HEADER_WITHIN) break;
        continue;
      }
      counts.lines++;
      const row = mapLine(cells, header, columns, options);
      if (typeof row === 'string') {
        if (row === ZERO) counts.zeros++;
        else counts.unreadable++;
        aside({ line: begins, reason: row, cells, header });
        continue;
      }
      counts.transactions++;
      if (row.credit) counts.credits++;
      sorter.add(row.day, row.text);
    }
    if (!columns) throw noHeader(first);
    return { report: counts, header, sorter };
  } catch (error) {
    sorter.close();
    throw error;
  }
}

const ZERO = 'a zero amount is no transaction';

/** One line as a row of the load file, or why it is none. */
function mapLine(
  cells: readonly string[],
  header: readonly string[],
  columns: ColumnMap,
  options: SpendingOptions,
): { day: string; text: string; credit: boolean } | string {
  // A comma that nobody quoted moves all that is behind it, the amount perhaps among it.
  if (cells.slice(header.length).some((cell) => cell.trim() !== ''))
    return 'there are more cells than columns';
  const cell = (field: Field) => cells[columns[field] ?? -1] ?? '';
  const day = readDay(cell('date'), options.monthFirst);
  if (day === undefined) return `${JSON.stringify(cell('date'))} is no date`;
  const pence = readPence(cell('amount'));
  if (pence === undefined) return `${JSON.stringify(cell('amount'))} is no amount`;
  if (pence === 0n) return ZERO;

  const council = `${options.council ?? 'council'}:BANK`;
  const key = supplierKey(cell('supplier_id'), cell('supplier'));
  const supplier = `${key}:SUPPLIER`;
  // Money goes from the council to the supplier; a credit comes back.
  const [from, to] = pence > 0n ? [council, supplier] : [supplier, council];
  const reference = lineOf(cell('transaction_no'));
  const description = lineOf(cell('expense_type'));
  if (reference.length > MAX_REFERENCE || description.length > MAX_DESCRIPTION) return 'a text is too long';
  const metadata = JSON.stringify(restOf(cells, header, columns));
  if (Buffer.byteLength(metadata) > MAX_METADATA) return 'the line is too long';
  const values = [
    day,
    from,
    to,
    poundsOf(pence < 0n ? -pence : pence),
    options.currency ?? 'GBP',
    key,
    reference,
    description,
    metadata === '{}' ? '' : metadata,
  ];
  return { day, text: csvLine(values), credit: pence < 0n };
}

/** What no field of a transaction holds, by the council's own names. */
function restOf(
  cells: readonly string[],
  header: readonly string[],
  columns: ColumnMap,
): Record<string, string> {
  const used = new Set([
    columns.date,
    columns.amount,
    columns.supplier_id,
    columns.transaction_no,
    columns.expense_type,
  ]);
  const rest: Record<string, string> = {};
  for (const [place, cell] of cells.entries()) {
    const value = lineOf(cell);
    if (value !== '' && !used.has(place)) rest[header[place] || `column ${place + 1}`] = value;
  }
  return rest;
}

export function csvLine(cells: readonly string[]): string {
  return `${cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')}\n`;
}

async function* withoutBom(input: Readable): AsyncGenerator<Buffer> {
  let begun = false;
  for await (const chunk of input) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk as string);
    if (begun) yield bytes;
    else if (bytes.length > 0) {
      begun = true;
      if (bytes[0] === 0xff && bytes[1] === 0xfe)
        throw new Error('The file is UTF-16. Save it as CSV in UTF-8.');
      yield bytes.subarray(0, 3).equals(Buffer.from('efbbbf', 'hex')) ? bytes.subarray(3) : bytes;
    }
  }
}

function noHeader(first: readonly string[][]): Error {
  const shown = first.slice(0, 3).map((cells) => `  ${cells.join(' | ').slice(0, 300)}`);
  return new Error(
    `No header with a date, an amount and a supplier was found. The file begins with\n${shown.join('\n')}\nName its columns with --columns "date=…,amount=…,supplier=…".`,
  );
}
