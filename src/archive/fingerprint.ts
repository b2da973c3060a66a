import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { addAbortSignal, type Readable } from 'node:stream';
import { throwIfAborted } from '../platform/retry.ts';
import type { Store } from './store.ts';
import { writeFailure } from './work-directory.ts';

export interface Fingerprint {
  readonly bytes: number;
  /** 64 hex digits. */
  readonly sha256: string;
}

/** The size and the SHA-256 of a local file. */
export async function fingerprint(file: string): Promise<Fingerprint> {
  return read(createReadStream(file, { highWaterMark: 1024 * 1024 }));
}

export interface FetchOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told of every few bytes that were read. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

export interface Fetched extends Fingerprint {
  /** The file on this machine. */
  readonly file: string;
}

/**
 * Reads a stored file to its end. Where the store is elsewhere the file is written into `directory` on the way, for
 * DuckDB reads local files only.
 *
 * @throws AppError not_found/not_in_store
 */
export async function fetchFile(
  store: Store,
  path: string,
  directory: string,
  options: FetchOptions,
): Promise<Fetched> {
  const stream = await store.open(path, { signal: options.signal });
  // Who reads it is told of its failure; before anybody reads, one must not end the process.
  stream.on('error', () => {});
  // A store that stalls is not waited for by who was asked to stop.
  if (options.signal) addAbortSignal(options.signal, stream);
  const onChunk = async (chunk: Buffer) => {
    throwIfAborted(options.signal);
    options.onBytes?.(chunk.length);
  };
  if (store.localPath !== undefined)
    return { file: store.localPath(path), ...(await read(stream, onChunk, options.signal)) };
  const file = join(directory, path.replaceAll('/', '-'));
  const copy = await open(file, 'w');
  try {
    const found = await read(
      stream,
      async (chunk) => {
        await onChunk(chunk);
        await copy.writeFile(chunk);
      },
      options.signal,
    );
    return { file, ...found };
  } catch (error) {
    throw writeFailure(error);
  } finally {
    await copy.close();
  }
}

async function read(
  stream: Readable,
  onChunk?: (chunk: Buffer) => Promise<void>,
  signal?: AbortSignal,
): Promise<Fingerprint> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
      await onChunk?.(chunk);
    }
  } catch (error) {
    throwIfAborted(signal);
    throw error;
  }
  return { bytes, sha256: hash.digest('hex') };
}
