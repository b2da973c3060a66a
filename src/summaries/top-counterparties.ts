import { sql } from 'kysely';
import { stopwatch } from '../core/clock.ts';
import type { Database } from '../db/database.ts';
import { type OnBlocked, withNamedLock } from '../db/locks.ts';
import { withLongStatements } from '../db/long-statement.ts';
import type { Db } from '../db/schema.ts';
import { toAppError } from '../db/sqlstate.ts';
import { recordRefresh } from './refreshes.ts';

export interface TopCounterpartiesOptions {
  readonly database: Database;
  readonly signal?: AbortSignal | undefined;
  readonly onBlocked?: OnBlocked | undefined;
  /** Leaves it alone where it was refreshed within so many hours. */
  readonly unlessWithinHours?: number | undefined;
}

export interface TopCounterpartiesReport {
  /** False when it is young enough. */
  readonly refreshed: boolean;
  readonly rows: number;
  /** Those of them that are fixed, for their quarter is closed. */
  readonly final: number;
  readonly seconds: number;
}

const NAME = 'top_counterparties_quarterly';

/**
 * Brings the materialized view of the entities that moved most up to date. Readers go on reading what it held before, except the
 * first time, when there is nothing to read. The view and the note of when it was refreshed change in one transaction, so
 * a run that is killed changes neither.
 *
 * @throws AppError busy/already_running, config/not_migrated
 */
export async function refreshTopCounterparties(
  options: TopCounterpartiesOptions,
): Promise<TopCounterpartiesReport> {
  const { database, signal, onBlocked, unlessWithinHours } = options;
  return withNamedLock(database.direct, 'refresh-reports', async (session) => {
    const { populated, young } = await look(session, unlessWithinHours ?? 0);
    if (populated && young) return { refreshed: false, ...(await countRows(session)), seconds: 0 };
    const seconds = stopwatch();
    const relations = [['reports', NAME]] as const;
    const rows = await withLongStatements(
      session,
      { pool: database.direct, relations, signal, onBlocked },
      () =>
        session.transaction().execute(async (trx) => {
          // For the sums of this statement alone; what needs more goes through files.
          await sql`SELECT set_config('work_mem', '64MB', true)`.execute(trx);
          // One that holds nothing yet cannot be compared with what it is to hold.
          const how = populated ? sql`CONCURRENTLY` : sql``;
          await sql`REFRESH MATERIALIZED VIEW ${how} ${sql.id('reports', NAME)}`.execute(trx);
          const counted = await countRows(trx);
          await recordRefresh(trx, NAME, seconds(), { ...counted });
          return counted;
        }),
    );
    return { refreshed: true, ...rows, seconds: Number(seconds().toFixed(3)) };
  });
}

/** Whether it was ever filled, and within the last so many hours. */
async function look(db: Db, hours: number): Promise<{ populated: boolean; young: boolean }> {
  try {
    const { rows } = await sql<{ populated: boolean; young: boolean }>`
      SELECT c.relispopulated AS populated,
             EXISTS (SELECT FROM quartermaster.refreshes
                     WHERE name = ${NAME} AND refreshed_at > clock_timestamp() - ${hours}::integer * interval '1 hour') AS young
      FROM pg_catalog.pg_class AS c WHERE c.oid = ${`reports.${NAME}`}::regclass`.execute(db);
    return rows[0] ?? { populated: false, young: false };
  } catch (error) {
    throw toAppError(error);
  }
}

async function countRows(db: Db): Promise<{ rows: number; final: number }> {
  const { rows } = await sql<{ rows: number; final: number }>`
    SELECT count(*)::integer AS rows, count(*) FILTER (WHERE is_final)::integer AS final
    FROM reports.top_counterparties_quarterly`.execute(db);
  return rows[0] ?? { rows: 0, final: 0 };
}
