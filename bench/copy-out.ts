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

class CopyOut implements pg.Submittable {
  readonly #statement: string;
  readonly #into: Writable | undefined;
  readonly #done: (bytes: number) => void;
  readonly #failed: (error: Error) => void;
  #connection: pg.Connection | undefined;
  #bytes = 0;
  #waits = false;

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
    // node-postgres reuses the memory it read the row from.
    if (this.#into === undefined || this.#into.write(Buffer.from(chunk)) || this.#waits) return;
    // Rows that were received before the pause still come.
    this.#waits = true;
    this.#connection?.stream.pause();
    this.#into.once('drain', () => this.#resume());
  }

  handleCommandComplete(): void {
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
