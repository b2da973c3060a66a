import { sql } from 'kysely';
import { isAppError } from '../../src/core/errors.ts';
import type { QuarterHouse, QuarterRun } from '../../src/quarters/context.ts';
import { detachQuarter } from '../../src/quarters/detach.ts';

/** Begins a detach behind a reader of the table and stops it while it waits, so that the detach stays pending. */
export function interruptDetach(table: 'transactions' | 'entries', quarter: string) {
  return async (house: QuarterHouse, run: QuarterRun): Promise<void> => {
    const reader = await house.database.read.startTransaction().execute();
    await sql`SELECT count(*) FROM ${sql.table(`ledger.${table}`)}`.execute(reader);
    const stop = new AbortController();
    const waiting = detachQuarter(
      house,
      { ...run, signal: stop.signal, onBlocked: () => stop.abort() },
      quarter,
    );
    await waiting.catch((error: unknown) => {
      if (!isAppError(error, 'aborted')) throw error;
    });
    await reader.commit().execute();
  };
}
