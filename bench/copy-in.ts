import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import type pg from 'pg';

const CHUNK_BYTES = 256 * 1024;

/** Sends a file, as it is, into a `COPY … FROM STDIN`; resolves when the server has taken it all. */
export function copyIn(client: pg.ClientBase, statement: string, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    client.query(new CopyIn(statement, path, resolve, reject));
  });
}

class CopyIn implements pg.Submittable {
  readonly #statement: string;
  readonly #path: string;
  readonly #done: () => void;
  readonly #failed: (error: Error) => void;

  constructor(statement: string, path: string, done: () => void, failed: (error: Error) => void) {
    this.#statement = statement;
    this.#path = path;
    this.#done = done;
    this.#failed = failed;
  }

  submit(connection: pg.Connection): void {
    connection.query(this.#statement);
  }

  handleCopyInResponse(connection: pg.Connection & CopyConnection): void {
    this.#send(connection).catch((error: Error) => connection.sendCopyFail(error.message));
  }

  async #send(connection: pg.Connection & CopyConnection): Promise<void> {
    for await (const chunk of createReadStream(this.#path, { highWaterMark: CHUNK_BYTES })) {
      connection.sendCopyFromChunk(chunk as Buffer);
      if (connection.stream.writableNeedDrain) await once(connection.stream, 'drain');
    }
    connection.endCopyFrom();
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.#done();
  }

  handleError(error: Error): void {
    this.#failed(error);
  }
}

/** What node-postgres has for a COPY, and its types do not tell. */
interface CopyConnection {
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
  sendCopyFail(message: string): void;
}
