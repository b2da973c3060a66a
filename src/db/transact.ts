import { CompiledQuery, type DatabaseConnection, PostgresDialect, Transaction } from 'kysely';
import type { Db, Schema, Trx } from './schema.ts';
import { isConnectionLoss, sqlState } from './sqlstate.ts';

/** A short transaction: first it reads and locks, then it writes. */
export interface Transacting<Found, T> {
  /** Only reads and locks: it is sent right behind BEGIN, and must have changed nothing where that failed. */
  read(trx: Trx): Promise<Found>;
  write(trx: Trx, found: Found, send: Send): Promise<T>;
}

/** Takes a statement that was sent and whose answer `write` need not know: COMMIT is sent right behind it. */
export type Send = (statement: Promise<unknown>) => void;

/**
 * Runs a transaction in few round trips: statements go out one behind the other on one connection, and answers are waited for
 * only where something depends on them. BEGIN shares a round trip with what `read` sends, and COMMIT with what `write` hands to
 * `send`: after a failure PostgreSQL does nothing more in a transaction, and takes it back at COMMIT.
 *
 * @param db a pool whose connections send ahead
 * @throws OutcomeUnknown the connection was lost after COMMIT was sent
 * @throws what `read` or `write` throws, or the failure of the first statement that failed: nothing was written
 */
export async function transact<Found, T>(db: Db, { read, write }: Transacting<Found, T>): Promise<T> {
  return db.getExecutor().provideConnection(async (connection) => {
    const trx = transactionOver(db, connection);
    const sent: Promise<unknown>[] = [];
    const send: Send = (statement) => {
      sent.push(statement);
      // It is asked in the end; until then nobody is to be told.
      statement.catch(() => {});
    };
    let committing = false;
    try {
      send(connection.executeQuery(BEGIN));
      const found = await read(trx);
      await sent[0];
      const value = await write(trx, found, send);
      committing = true;
      const { rows } = await connection.executeQuery<{ command: string }>(COMMIT);
      await Promise.all(sent);
      if (rows[0]?.command !== 'COMMIT') throw new Error('PostgreSQL took the transaction back');
      return value;
    } catch (error) {
      // Answers come in order: after this one none is outstanding, and the connection can go back to the pool.
      await connection.executeQuery(ROLLBACK).catch(() => {});
      // What PostgreSQL itself refused was refused before COMMIT, which then did nothing.
      const refused = (await failuresOf(sent)).find(isRefusal);
      if (refused === undefined && committing && isConnectionLoss(error)) throw new OutcomeUnknown(error);
      throw refused ?? error;
    }
  });
}

/** The transaction may or may not be committed. */
export class OutcomeUnknown extends Error {
  constructor(cause: unknown) {
    super('the connection was lost while the transaction committed', { cause });
    this.name = 'OutcomeUnknown';
  }
}

const BEGIN = CompiledQuery.raw('BEGIN ISOLATION LEVEL READ COMMITTED');
const COMMIT = CompiledQuery.raw('COMMIT');
const ROLLBACK = CompiledQuery.raw('ROLLBACK');

async function failuresOf(statements: readonly Promise<unknown>[]): Promise<unknown[]> {
  const answers = await Promise.allSettled(statements);
  return answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []));
}

/** Whatever follows a statement that failed is only told 25P02, that the transaction is aborted. */
function isRefusal(failure: unknown): boolean {
  const state = sqlState(failure);
  return state !== undefined && state !== '25P02';
}

/** Of all that a transaction is made of, it uses only its executor. */
const dialect = new PostgresDialect({ pool: () => Promise.reject(new Error('it has its connection')) });
const unused = { config: { dialect }, dialect, driver: dialect.createDriver() };

/** Kysely's own transactions send no statement before the one before it is answered; this one does. */
function transactionOver(db: Db, connection: DatabaseConnection): Trx {
  const executor = db.getExecutor().withConnectionProvider({
    provideConnection: (consumer) => consumer(connection),
  });
  return new Transaction<Schema>({ ...unused, executor });
}
