/**
 * The columns of a load file, in the order in which a load's digest covers them; the last is covered where it holds
 * something, so that a file without it has the digest it always had.
 */
export const loadColumns = [
  'created_at',
  'debit_account',
  'credit_account',
  'amount',
  'currency',
  'user_id',
  'status',
  'reference_code',
  'description',
  'metadata',
  'effective_at',
] as const;
export type LoadColumn = (typeof loadColumns)[number];
export type LoadFormat = 'csv' | 'ndjson';

/** What a reject file has in front of a record's own columns. They are passed over when it is given back. */
export const rejectColumns: readonly string[] = ['line', 'column', 'reason'];

/** Why a record cannot be booked. */
export interface Fault {
  readonly column: string | undefined;
  readonly reason: string;
}

/** One record, as it stands in the file. */
export interface LoadRecord {
  /** The line on which it begins, from 1. */
  readonly line: number;
  /** One spelling for each content, for the digest: the same whatever the order of columns and the ends of lines. */
  readonly text: string;
  /** The cells of a CSV record under the header's names, to be repeated in the reject file. */
  readonly cells?: readonly string[];
  readonly header?: readonly string[];
  /** Text from CSV, where an empty cell is left out; any JSON value from NDJSON. */
  readonly values: Readonly<Partial<Record<LoadColumn | 'postings', unknown>>>;
  /** Set when it is no record at all. */
  readonly fault?: Fault;
}

/** No record is longer than this many bytes: the largest metadata fits many times. */
export const MAX_RECORD = 1024 * 1024;
