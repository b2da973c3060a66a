import type { Writable } from 'node:stream';
import type pg from 'pg';

/**
 * Reads a `COPY … TO STDOUT` to its end and does nothing with what comes, or writes it on: as `psql` does into
 * /dev/null, with no look at a row. Returns the bytes.
 */
export function copyOut(client: pg.ClientBase, statement: string, into?: Writable): Promise<number> {
  return new Promise((resolve, reject) => {
    client.query(new CopyOut(statement, into, resolve, reject));
  });
}

/** As a pipe takes. */
const CHUNK_BYTES = 64 * 1024;

class CopyOut implements pg.Submittable {
  readonly #statement: string;
  readonly #into: Writable | undefined;
  readonly #done: (bytes: number) => void;
  readonly #failed: (error: Error) => void;
  #connection: pg.Connection | undefined;
  #bytes = 0;
  #waits = false;
  #chunks: Buffer[] = [];
  #held = 0;

  constructor(
    statement: string,
    into: Writable | undefined,
    done: (bytes: number) => void,
    failed: (error: Error) => void,
  ) {
    this.#statement = statement;
    this.#into = into;
    this.#done = done;
    this.#failed = failed;
  }

  submit(connection: pg.Connection): void {
    this.#connection = connection;
    connection.query(this.#statement);
  }

  handleCopyData({ chunk }: { readonly chunk: Buffer }): void {
    this.#bytes += chunk.length;
    if (this.#into === undefined) return;
    // node-postgres reuses the memory it read the row from. A write of each row would cost more than the row.
    this.#chunks.push(Buffer.from(chunk));
    this.#held += chunk.length;
    if (this.#held >= CHUNK_BYTES) this.#write(this.#into);
  }

  #write(into: Writable): void {
    const went = into.write(Buffer.concat(this.#chunks));
    this.#chunks = [];
    this.#held = 0;
    if (went || this.#waits) return;
    // Rows that were received before the pause still come.
    this.#waits = true;
    this.#connection?.stream.pause();
    into.once('drain', () => this.#resume());
  }

  handleCommandComplete(): void {
    if (this.#into !== undefined) this.#write(this.#into);
    // A stream that is ended next drains no more.
    this.#resume();
  }

  #resume(): void {
    this.#waits = false;
    this.#connection?.stream.resume();
  }

  handleReadyForQuery(): void {
    this.#done(this.#bytes);
  }

  handleError(error: Error): void {
    this.#failed(error);
  }
}
