import { type FileHandle, open } from 'node:fs/promises';
import { AppError } from '../core/errors.ts';
import { type Fault, type LoadFormat, type LoadRecord, rejectColumns } from './load-record.ts';

export interface Reject {
  readonly record: LoadRecord;
  readonly fault: Fault;
}

/**
 * The file of the records a load would not book. How long it has to be is part of the load's progress: `write` and
 * `cut` are called while the transaction holds that row, so the file never differs from what is committed by more
 * than a tail, which the next write cuts off.
 */
export interface RejectFile {
  encode(offset: number, rejects: readonly Reject[]): Buffer;
  /** Puts the bytes at the offset, where the file then ends, and makes sure they are on the disk. */
  write(offset: number, bytes: Buffer): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param known how many bytes of the file the load has committed
 * @param ours the file was this load's before, so that what is beyond is a leftover of a killed run
 * @throws AppError conflict/reject_file_exists, conflict/reject_file_differs, invalid/reject_file_unwritable
 */
export async function openRejects(
  path: string,
  format: LoadFormat,
  known: number,
  ours: boolean,
): Promise<RejectFile> {
  const handle = await openOrCreate(path);
  try {
    const { size } = await handle.stat();
    if (size < known) {
      const detail = `${path} has ${size} bytes, but this load has written ${known} bytes of rejected rows. Give the file it wrote before.`;
      throw new AppError('conflict', 'reject_file_differs', detail);
    }
    if (size > known && !ours) {
      const detail = `${path} exists and is not this load's. Give the name of a new file for the rejected rows.`;
      throw new AppError('conflict', 'reject_file_exists', detail);
    }
  } catch (error) {
    await handle.close();
    throw error;
  }
  const encodeRows = format === 'csv' ? encodeCsv : encodeNdjson;
  return {
    encode: (offset, rejects) => Buffer.from(encodeRows(offset === 0, rejects)),
    write: async (offset, bytes) => {
      await handle.truncate(offset);
      let written = 0;
      while (written < bytes.length) {
        written += (await handle.write(bytes, written, bytes.length - written, offset + written))
          .bytesWritten;
      }
      await handle.sync();
    },
    close: () => handle.close(),
  };
}

async function openOrCreate(path: string): Promise<FileHandle> {
  try {
    // Neither 'r+', which does not create, nor 'w+', which truncates.
    return await open(path, 'r+').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      return open(path, 'wx+');
    });
  } catch (error) {
    const detail = `The rejected rows cannot be written to ${path}: ${(error as Error).message}.`;
    throw new AppError('invalid', 'reject_file_unwritable', detail, { cause: error });
  }
}

/** The record's own cells behind line, column and reason. */
function encodeCsv(first: boolean, rejects: readonly Reject[]): string {
  const rows = rejects.map(({ record, fault }) => [
    String(record.line),
    fault.column ?? '',
    fault.reason,
    ...(record.cells ?? []),
  ]);
  if (first) rows.unshift([...rejectColumns, ...(rejects[0]?.record.header ?? [])]);
  return rows.map((cells) => `${cells.map(quoted).join(',')}\n`).join('');
}

function encodeNdjson(_first: boolean, rejects: readonly Reject[]): string {
  return rejects
    .map(
      ({ record: { line, text }, fault: { column, reason } }) =>
        `${JSON.stringify({ line, column, reason, record: text })}\n`,
    )
    .join('');
}

/** A cell as RFC 4180 has it. */
function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
