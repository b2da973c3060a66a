import { Readable } from 'node:stream';
import { AppError } from '../core/errors.ts';
import { throwIfAborted } from '../platform/retry.ts';

export interface WholeOptions {
  /** How many bytes have to come; undefined when nobody said, so that only the source can tell its end. */
  readonly bytes: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The store's error for a source that failed, or for what is said here to be wrong with it. */
  readonly failure: (cause: unknown) => AppError;
}

/**
 * A stream of the same bytes that ends only when all of them have come. A connection that dies looks to a reader much
 * like a file that is over, and a short file that is taken for a whole one would be reported as damaged.
 */
export function wholeStream(source: Readable, options: WholeOptions): Readable {
  // It may fail while nobody reads yet; who reads later is told then.
  source.on('error', () => {});
  const stream = Readable.from(watch(source, options), { objectMode: false, highWaterMark: 1024 * 1024 });
  // A generator that was never asked for anything closes nothing.
  return stream.once('close', () => source.destroy());
}

async function* watch(source: Readable, { bytes, signal, failure }: WholeOptions): AsyncGenerator<Buffer> {
  let seen = 0;
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  try {
    for (;;) {
      const next = await chunks.next();
      if (next.done) break;
      seen += next.value.length;
      yield next.value;
    }
  } catch (cause) {
    throwIfAborted(signal);
    throw cause instanceof AppError ? cause : failure(cause);
  }
  if (bytes !== undefined && seen !== bytes) {
    throw failure(new Error(`it ended after ${seen} of ${bytes} bytes`));
  }
}
