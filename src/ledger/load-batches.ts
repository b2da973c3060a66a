import type { Hash } from 'node:crypto';
import { AppError } from '../core/errors.ts';
import type { LoadProgress } from './load-progress.ts';
import type { LoadRecord } from './load-record.ts';
import type { Row } from './load-row.ts';
import type { LoadWords } from './load-words.ts';

/** A record and what it was read as. */
export type LoadRow = { readonly record: LoadRecord } & Row;

/** A batch holds no more text than this, however few records that are. */
const MAX_BATCH_TEXT = 8 * 1024 * 1024;

/**
 * The records behind those that are dealt with, after reading those again and comparing their digest. `prefix` rolls
 * over them and is left where they end.
 *
 * @throws AppError conflict/load_differs
 */
export async function* afterPrefix(
  load: { readonly id: string; readonly words: LoadWords },
  records: AsyncIterable<LoadRecord[]>,
  known: LoadProgress,
  prefix: Hash,
): AsyncGenerator<LoadRecord[]> {
  let passed = 0;
  const check = () => {
    if (prefix.copy().digest('hex') !== known.prefixSha256) {
      throw differs(load, `its first ${known.records} records are not those that were loaded`);
    }
  };
  if (known.records === 0) check();
  for await (const some of records) {
    if (passed === known.records) {
      yield some;
      continue;
    }
    const old = some.slice(0, known.records - passed);
    for (const record of old) rollOver(prefix, record);
    passed += old.length;
    if (passed < known.records) continue;
    check();
    if (old.length < some.length) yield some.slice(old.length);
  }
  if (passed < known.records) {
    throw differs(load, `it has ${passed} records, and ${known.records} were loaded`);
  }
}

/** Each record ends with a byte no record holds, so that no two lists of records have one digest. */
export function rollOver(prefix: Hash, { text }: LoadRecord): void {
  prefix.update(`${text}\n`);
}

/** Records in batches. When the source fails, those read before it still come first. */
export async function* inBatches(
  records: AsyncIterable<LoadRecord[]>,
  size: number,
): AsyncGenerator<LoadRecord[]> {
  let batch: LoadRecord[] = [];
  let text = 0;
  try {
    for await (const some of records) {
      for (const record of some) {
        batch.push(record);
        text += record.text.length;
        if (batch.length < size && text < MAX_BATCH_TEXT) continue;
        yield batch;
        batch = [];
        text = 0;
      }
    }
  } catch (error) {
    if (batch.length > 0) yield batch;
    throw error;
  }
  if (batch.length > 0) yield batch;
}

/** Reads the rows of each batch. A stage of its own, so that it is done ahead as the parsing is. */
export async function* withRows(
  batches: AsyncIterable<LoadRecord[]>,
  readRow: (record: LoadRecord) => Row,
): AsyncGenerator<LoadRow[]> {
  for await (const batch of batches) yield batch.map((record) => ({ record, ...readRow(record) }));
}

/**
 * Says of each item whether it is the last, and reads the next ones while the caller works: the parser is busy while
 * PostgreSQL is. A failure comes after the items that were read before it.
 */
export async function* withLookahead<T>(items: AsyncIterator<T>): AsyncGenerator<{ item: T; last: boolean }> {
  const read = async (): Promise<{ item: T } | { failure: unknown } | undefined> => {
    try {
      const next = await items.next();
      return next.done ? undefined : { item: next.value };
    } catch (failure) {
      return { failure };
    }
  };
  let current = await read();
  let following = current ? read() : Promise.resolve(undefined);
  while (current) {
    if ('failure' in current) throw current.failure;
    const next = await following;
    if (next && 'item' in next) following = read();
    yield { item: current.item, last: next === undefined };
    current = next;
  }
}

function differs({ id, words }: { readonly id: string; readonly words: LoadWords }, how: string): AppError {
  const detail = `This is not what the load ${JSON.stringify(id)} has read so far: ${how}. Give the same records to go on, or ${words.anotherId} for another load.`;
  return new AppError('conflict', 'load_differs', detail);
}
