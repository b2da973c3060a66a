import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { sql } from 'kysely';
import { expect } from 'vitest';
import type { Db } from '../../src/db/schema.ts';

/** Starts a process that builds the example. `dieBefore`: the number of the statement before which it kills itself. */
export function startBuild(
  url: string,
  dieBefore?: number,
): { child: ChildProcess; ended: Promise<NodeJS.Signals | null> } {
  const script = new URL('./build-child.ts', import.meta.url).pathname;
  const args = [script, url, ...(dieBefore === undefined ? [] : [String(dieBefore)])];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'inherit', dieBefore === undefined ? 'ignore' : 'inherit'],
  });
  return { child, ended: once(child, 'close').then(([, signal]) => signal as NodeJS.Signals | null) };
}

/** A transaction that has read these tables, as a dump has. */
export async function holdRead(db: Db, ...tables: string[]): Promise<() => Promise<void>> {
  const taken = Promise.withResolvers<void>();
  const wanted = Promise.withResolvers<void>();
  const held = db.transaction().execute(async (trx) => {
    for (const table of tables) await sql.raw(`SELECT FROM ${table}`).execute(trx);
    taken.resolve();
    await wanted.promise;
  });
  await taken.promise;
  return async () => {
    wanted.resolve();
    await held;
  };
}

/** A transaction that has a snapshot: whatever is built CONCURRENTLY waits for it before it ends. */
export async function holdSnapshot(db: Db): Promise<() => Promise<void>> {
  const taken = Promise.withResolvers<void>();
  const wanted = Promise.withResolvers<void>();
  const held = db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (trx) => {
      await sql`SELECT 1`.execute(trx);
      taken.resolve();
      await wanted.promise;
    });
  await taken.promise;
  return async () => {
    wanted.resolve();
    await held;
  };
}

/** Waits until a session waits for others with what it builds, and gives its pid. */
export async function waitsInBuild(db: Db, command: 'CREATE' | 'REINDEX' = 'CREATE'): Promise<number> {
  const read = async () => {
    const { rows } = await sql<{ pid: number }>`
      SELECT pid FROM pg_stat_progress_create_index
      WHERE datname = current_database() AND phase LIKE 'waiting%' AND command LIKE ${`${command}%`}`.execute(
      db,
    );
    return rows[0]?.pid ?? 0;
  };
  await expect.poll(read, { timeout: 20_000, interval: 20 }).toBeGreaterThan(0);
  return read();
}

/** Waits until no session of that name is left: PostgreSQL notices the death of a client within a second or so. */
export async function sessionsGone(db: Db, applicationName: string): Promise<void> {
  const count = async () => {
    const { rows } = await sql<{ n: number }>`
      SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = ${applicationName}`.execute(
      db,
    );
    return rows[0]?.n;
  };
  await expect.poll(count, { timeout: 20_000, interval: 50 }).toBe(0);
}
