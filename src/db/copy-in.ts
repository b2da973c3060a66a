import type pg from 'pg';
import { throwIfAborted } from '../platform/retry.ts';
import type { Database } from './database.ts';
import { identifier } from './identifier.ts';
import { toAppError } from './sqlstate.ts';

/** A table that is made and filled in one transaction. The texts are SQL, with everything in them quoted already. */
export interface TableLoad {
  /** Makes the table: it has to be made here, for only then do its rows come in frozen. */
  readonly create: string;
  /** Of the table. */
  readonly schema: string;
  readonly name: string;
  /** The columns of the rows, in their order; the others take their defaults. */
  readonly columns: readonly string[];
  /** Done to the table when the rows are in: constraints, grants, a comment. */
  readonly finish: string;
  /** Asked before all of it is committed; throws when the work is not ours any more. */
  readonly beforeCommit: () => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

/** What a role's defaults must not decide for hours of writing. transaction_timeout is there since PostgreSQL 17. */
const settings = {
  statement_timeout: '0',
  transaction_timeout: '0',
  idle_in_transaction_session_timeout: '0',
};

/**
 * Makes a table and fills it, on a connection of its own: it is there with all its rows, or not at all, wherever this
 * is killed. The rows are frozen (COPY … FREEZE) as nobody can see the table before they are in: readers and indexes
 * find every page visible at once, and no vacuum has to write the table a second time.
 *
 * @param rows CSV in UTF-8, NULL as nothing and an empty text as `""`; chunks end anywhere
 * @returns how many rows there were
 * @throws what `rows` throws, and nothing is left then
 * @throws AppError aborted/aborted soon after the signal: the connection is cut
 */
export async function loadTable(
  database: Database,
  load: TableLoad,
  rows: AsyncIterable<Buffer>,
): Promise<bigint> {
  throwIfAborted(load.signal);
  const columns = load.columns.map((column) => identifier(column)).join(', ');
  const copy = `COPY ${identifier(load.schema, load.name)} (${columns}) FROM STDIN (FORMAT csv, FREEZE true, ENCODING 'UTF8')`;
  try {
    // When it fails the connection is thrown away, and PostgreSQL takes everything back.
    return await database.withClient(async (client) => {
      await client.query('BEGIN');
      await client.query(
        `SELECT set_config(s.name, s.value, true) FROM unnest($1::text[], $2::text[]) AS s(name, value)
         JOIN pg_catalog.pg_settings USING (name)`,
        [Object.keys(settings), Object.values(settings)],
      );
      await client.query(load.create);
      const copied = await copyRows(client, copy, rows);
      await client.query(load.finish);
      await load.beforeCommit();
      await client.query('COMMIT');
      return copied;
    }, load.signal);
  } catch (error) {
    throwIfAborted(load.signal);
    throw toAppError(error);
  }
}

/**
 * Sends rows into a `COPY … FROM STDIN`. No more is asked of `rows` than the server takes.
 *
 * @returns how many rows the server counted
 * @throws what `rows` throws; PostgreSQL has taken the statement back then
 */
export async function copyRows(
  client: pg.ClientBase,
  statement: string,
  rows: AsyncIterable<Buffer>,
): Promise<bigint> {
  const copy = new CopyIn(statement, rows);
  client.query(copy);
  return copy.done;
}

/** What node-postgres has for a COPY, and its types do not tell. */
type CopyConnection = pg.Connection & {
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
  sendCopyFail(message: string): void;
};

class CopyIn implements pg.Submittable {
  readonly #statement: string;
  readonly #rows: AsyncIterable<Buffer>;
  readonly #outcome = Promise.withResolvers<bigint>();
  /** Becomes true when the server takes no more: it failed, or the connection did. */
  #over = false;
  #count = 0n;
  /** Why we gave up ourselves: what the server says to that is only an echo. */
  #cause: unknown;

  constructor(statement: string, rows: AsyncIterable<Buffer>) {
    this.#statement = statement;
    this.#rows = rows;
  }

  get done(): Promise<bigint> {
    return this.#outcome.promise;
  }

  submit(connection: pg.Connection): void {
    connection.query(this.#statement);
  }

  handleCopyInResponse(connection: CopyConnection): void {
    this.#send(connection).catch((error: unknown) => {
      this.#cause = error;
      if (!this.#over) connection.sendCopyFail('the rows ended in a failure of their source');
    });
  }

  async #send(connection: CopyConnection): Promise<void> {
    const { stream } = connection;
    for await (const chunk of this.#rows) {
      if (this.#over) return;
      connection.sendCopyFromChunk(chunk);
      // A server that fails says so and reads on; a connection that is gone drains no more, which its end tells.
      if (stream.writableNeedDrain) await Promise.race([drained(stream), this.done]);
    }
    if (!this.#over) connection.endCopyFrom();
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.#count = BigInt(text.split(' ')[1] ?? '0');
  }

  handleReadyForQuery(): void {
    this.#over = true;
    this.#outcome.resolve(this.#count);
  }

  handleError(error: Error): void {
    this.#over = true;
    this.#outcome.reject(this.#cause ?? error);
  }
}

function drained(stream: pg.Connection['stream']): Promise<void> {
  return new Promise((resolve) => stream.once('drain', resolve));
}
