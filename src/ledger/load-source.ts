import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { pipeline, Readable, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { AppError } from '../core/errors.ts';

/** Where the records of a load come from: a file, or a stream such as standard input. */
export type LoadSource =
  | { readonly path: string }
  /**
   * `name` is what messages call it; standard input unless given. `whole`: it fails rather than end early, as a file
   * does; else one that ends in the middle of a line is held to be cut off.
   */
  | { readonly stream: Readable; readonly name?: string; readonly whole?: boolean };

/** An opened source. The bytes of the file are counted as they are stored: compressed. */
export interface OpenSource {
  /** How messages call it. */
  readonly name: string;
  /** Of the whole file; undefined for a stream, which cannot be read twice. */
  readonly sha256: string | undefined;
  readonly bytesTotal: number | undefined;
  bytesRead(): number;
  /** The content, decompressed. To be iterated once. */
  readonly chunks: AsyncIterable<Buffer>;
  close(): void;
}

/** How a file begins tells how it is compressed, whatever its name says. */
const decompressors: readonly { magic: Buffer; create: () => Transform }[] = [
  { magic: Buffer.from('1f8b', 'hex'), create: () => createGunzip() },
  { magic: Buffer.from('28b52ffd', 'hex'), create: () => createZstdDecompress() },
];
const LONGEST_MAGIC = 4;

/**
 * Opens a file or a stream, plain, gzip or Zstandard. A file is read once from end to end for its digest.
 *
 * @throws AppError invalid/source_unreadable; and from `chunks` invalid/source_damaged
 */
export async function openSource(source: LoadSource): Promise<OpenSource> {
  if ('stream' in source)
    return openStream(source.name ?? 'standard input', source.stream, undefined, undefined);
  const { path } = source;
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw unreadable(`${path} is a directory. Give one file.`);
    // A pipe with a name, as a shell makes for <(…), is a stream too.
    if (!found.isFile()) return openStream(path, createReadStream(path), undefined, undefined);
    const sha256 = createHash('sha256');
    for await (const chunk of createReadStream(path)) sha256.update(chunk as Buffer);
    return openStream(basename(path), createReadStream(path), found.size, sha256.digest('hex'));
  } catch (error) {
    if (error instanceof AppError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw unreadable(`There is no file ${path}.`, error);
    throw unreadable(`${path} cannot be read: ${message}.`, error);
  }
}

function unreadable(detail: string, cause?: unknown): AppError {
  return new AppError('invalid', 'source_unreadable', detail, { cause });
}

function openStream(
  name: string,
  stream: Readable,
  bytesTotal: number | undefined,
  sha256: string | undefined,
): OpenSource {
  let read = 0;
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const chunk of stream) {
      const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk as string);
      read += bytes.length;
      yield bytes;
    }
  }
  return {
    name,
    sha256,
    bytesTotal,
    bytesRead: () => read,
    chunks: explained(name, decompressed(counted())),
    close: () => void stream.destroy(),
  };
}

async function* decompressed(raw: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < LONGEST_MAGIC) {
    const { value, done } = await raw.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  async function* all(): AsyncGenerator<Buffer> {
    yield head;
    yield* raw;
  }
  const found = decompressors.find(({ magic }) => head.subarray(0, magic.length).equals(magic));
  if (!found) {
    yield* all();
    return;
  }
  const plain = found.create();
  // What goes wrong on the way destroys the last stream with the error, and so reaches who reads it.
  pipeline(Readable.from(all()), plain, () => {});
  for await (const chunk of plain) yield chunk as Buffer;
}

/** Says in words what Node says in codes: a truncated file is the common case. */
async function* explained(name: string, chunks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* chunks;
  } catch (error) {
    if (error instanceof AppError) throw error;
    const { code = '', message } = error as NodeJS.ErrnoException;
    const damaged = /^(Z_|ZSTD_)/.test(code);
    const why = damaged
      ? 'is cut short or damaged, so it cannot be unpacked to its end'
      : `cannot be read on: ${message}`;
    const detail = `${name} ${why}. What was booked stays; give the whole of it to go on.`;
    throw new AppError('invalid', damaged ? 'source_damaged' : 'source_unreadable', detail, { cause: error });
  }
}
