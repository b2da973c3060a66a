import type { ClientBase } from 'pg';
import { answerWithin, TimeLimit } from './lease.ts';
import type { Look } from './look.ts';

/** What stands between us and the server, as far as its behaviour tells. */
export type Pooling = 'none' | 'transaction' | 'session' | 'statement';

/** How often is tried whether a server connection that nobody is in a transaction on goes to somebody else. */
const TRIES = 12;
const PATIENCE_MS = 1500;

/**
 * Finds out by behaviour, for a pooler's own `SHOW` is for its administrators. In statement mode it refuses a transaction. In
 * transaction mode a connection to the server that one client has just used is lent to the next, while in session
 * mode it stays with the client that had it, so that another one gets another or waits in vain.
 */
export async function findPooling(look: Look): Promise<Pooling> {
  if (!(await look.isPooled())) return 'none';
  if (!(await look.withSessions(1, ([client]) => takesTransactions(client as ClientBase))))
    return 'statement';
  try {
    return await answerWithin(PATIENCE_MS * 3, look.withSessions(2, isShared));
  } catch (error) {
    // The only connection to the server is kept for the first client.
    if (error instanceof TimeLimit) return 'session';
    throw error;
  }
}

async function takesTransactions(client: ClientBase): Promise<boolean> {
  try {
    await client.query('BEGIN');
    await client.query('ROLLBACK');
    return true;
  } catch {
    return false;
  }
}

async function isShared([first, second]: readonly ClientBase[]): Promise<Pooling> {
  const mine = await pidOf(first as ClientBase);
  for (let tries = 0; tries < TRIES; tries++) {
    const theirs = await answerWithin(PATIENCE_MS, pidOf(second as ClientBase));
    if (theirs === mine || (await pidOf(first as ClientBase)) !== mine) return 'transaction';
  }
  return 'session';
}

async function pidOf(client: ClientBase): Promise<number | undefined> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return rows[0]?.pid;
}
