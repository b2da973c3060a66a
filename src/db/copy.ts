import { Readable } from 'node:stream';
import type pg from 'pg';
import { throwIfAborted } from '../platform/retry.ts';
import { takeCopyData } from './copy-data.ts';
import type { Database } from './database.ts';
import { toAppError } from './sqlstate.ts';

/** What one transaction sees of the database. One thing at a time: a copy is read to its end before the next. */
export interface Snapshot {
  /** The rows of a SELECT as CSV (NULL is nothing, an empty text is `""`; instants in UTC). */
  copy(select: string): RowStream;
  /** The only row of a SELECT. */
  one<T extends object>(select: string): Promise<T>;
}

/** A stream of CSV whose every chunk ends where a row ends. */
export interface RowStream extends Readable {
  /** Rows read from the server so far. */
  readonly rows: number;
}

/** What a role's defaults must not decide for hours of reading. transaction_timeout is there since PostgreSQL 17. */
const settings = {
  TimeZone: 'UTC',
  DateStyle: 'ISO',
  // For the sort, where the planner does not walk the key: a few merges less.
  work_mem: '64MB',
  statement_timeout: '0',
  transaction_timeout: '0',
  idle_in_transaction_session_timeout: '0',
};

/**
 * Runs `action` in one read-only transaction that sees one moment of the database, on a connection of its own.
 *
 * @throws AppError aborted/aborted soon after the signal: the connection is cut
 */
export async function withSnapshot<T>(
  database: Database,
  signal: AbortSignal | undefined,
  action: (snapshot: Snapshot) => Promise<T>,
): Promise<T> {
  throwIfAborted(signal);
  try {
    return await database.withClient(async (client) => {
      // So that the server soon notices when this process dies in the middle; not known to servers on Windows.
      await client.query("SET client_connection_check_interval = '1s'").catch(() => {});
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      const wanted =
        'SELECT set_config(s.name, s.value, true) FROM unnest($1::text[], $2::text[]) AS s(name, value)';
      await client.query(`${wanted} JOIN pg_catalog.pg_settings USING (name)`, [
        Object.keys(settings),
        Object.values(settings),
      ]);
      const result = await action(snapshotOf(client, signal));
      await client.query('COMMIT');
      await client.query('RESET client_connection_check_interval');
      return result;
    });
  } catch (error) {
    throwIfAborted(signal);
    throw toAppError(error);
  }
}

function snapshotOf(client: pg.ClientBase, signal: AbortSignal | undefined): Snapshot {
  return {
    copy: (select) =>
      client.query(new CopyOut(`COPY (${select}) TO STDOUT (FORMAT csv, ENCODING 'UTF8')`, signal)),
    async one<T extends object>(select: string) {
      const { rows } = await client.query<T>(select);
      return rows[0] as T;
    },
  };
}

/** Rows are gathered into chunks of about this size: each chunk has a price of its own on its way. */
const CHUNK_BYTES = 64 * 1024;

/**
 * A COPY TO STDOUT that keeps the ends of rows in sight. pg-copy-streams passes on bytes as they come, so that a cut
 * at a row's end would have to look for quotes in all of them; the server's messages tell it.
 */
class CopyOut extends Readable implements pg.Submittable, RowStream {
  rows = 0;
  readonly #text: string;
  #socket: Readable | undefined;
  #chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  #used = 0;

  constructor(text: string, signal: AbortSignal | undefined) {
    super({ highWaterMark: 4 * CHUNK_BYTES, signal });
    this.#text = text;
  }

  submit(connection: pg.Connection): void {
    this.#socket = connection.stream;
    takeCopyData(connection.stream, (bytes, start, end) => this.#takeRow(bytes, start, end));
    connection.query(this.#text);
  }

  #takeRow(bytes: Buffer, start: number, end: number): void {
    this.rows += 1;
    const length = end - start;
    if (this.#used + length > CHUNK_BYTES) this.#flush();
    // Copied at once, for the memory it stands in is used again.
    if (length > CHUNK_BYTES) this.#send(Buffer.from(bytes.subarray(start, end)));
    else this.#used += bytes.copy(this.#chunk, this.#used, start, end);
  }

  #flush(): void {
    if (this.#used === 0) return;
    this.#send(this.#chunk.subarray(0, this.#used));
    this.#chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    this.#used = 0;
  }

  #send(chunk: Buffer): void {
    // The server waits when nobody takes its bytes from the socket.
    if (!this.push(chunk)) this.#socket?.pause();
  }

  override _read(): void {
    this.#socket?.resume();
  }

  handleCommandComplete(): void {
    this.#flush();
    this.push(null);
    // What was sent last may have paused the socket, and nobody asks an ended stream for more.
    this.#socket?.resume();
  }

  handleReadyForQuery(): void {}

  handleError(error: Error): void {
    this.destroy(error);
  }
}
