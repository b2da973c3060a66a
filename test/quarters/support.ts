import { sql } from 'kysely';
import { fixedClock } from '../../src/core/clock.ts';
import { AppError } from '../../src/core/errors.ts';
import { calendar } from '../../src/core/quarter.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import type { Db } from '../../src/db/schema.ts';
import type { QuarterHouse, QuarterRun } from '../../src/quarters/context.ts';
import { ways } from '../support/ways.ts';

export interface HouseOptions {
  readonly zone?: string;
  readonly now?: string;
  readonly premake?: number;
  readonly oldest?: string;
}

/** A run of a verb by a test. */
export const run: QuarterRun = { actor: 'test' };

/** A house over a database, standing still at `now`. The verbs tested with it use no store. */
export function openHouse(url: string, options: HouseOptions = {}): QuarterHouse {
  return houseOver(openDatabase({ ...ways(url), poolMax: 6, applicationName: 'test-house' }), options);
}

/** Another house over the same connections, as on another day or with other settings. */
export function houseOver(database: Database, options: HouseOptions = {}): QuarterHouse {
  const refuse = async (): Promise<never> => {
    throw new AppError('internal', 'no_store', 'This test has no store.');
  };
  return {
    database,
    store: { url: 'none:', put: refuse, open: refuse, stat: refuse, list: refuse, remove: refuse },
    calendar: calendar(options.zone ?? 'UTC'),
    clock: fixedClock(options.now ?? '2026-05-05T12:00:00Z'),
    ledgerSet: 'ledger',
    premakeQuarters: options.premake ?? 2,
    version: '0.0.0-test',
    oldest: new Date(options.oldest ?? '2000-01-01T00:00:00Z'),
    archiveApproval: 'auto',
    restoreDays: 14,
  };
}

/** Each quarter with its state and how its partitions stand, as `2026q1 open: attached attached`. */
export async function standing(db: Db): Promise<string[]> {
  const { rows } = await sql<{ line: string }>`
    SELECT q.quarter || ' ' || q.state || ': ' || string_agg(
             CASE WHEN c.oid IS NULL THEN 'missing' WHEN i.inhrelid IS NULL THEN 'standalone'
                  WHEN i.inhdetachpending THEN 'detaching' ELSE 'attached' END
             || CASE WHEN k.oid IS NULL THEN '' ELSE ' fenced' END, ', ' ORDER BY t.name DESC) AS line
    FROM quartermaster.quarters AS q
    CROSS JOIN (VALUES ('transactions'), ('entries')) AS t (name)
    LEFT JOIN pg_class AS c ON c.relnamespace = 'ledger'::regnamespace AND c.relname = t.name || '_' || q.quarter
    LEFT JOIN pg_inherits AS i ON i.inhrelid = c.oid
    LEFT JOIN pg_constraint AS k ON k.conrelid = c.oid AND k.conname = 'quarter_closed'
    GROUP BY q.quarter, q.state
    ORDER BY q.quarter`.execute(db);
  return rows.map(({ line }) => line);
}

/** The quarter's events, oldest first. */
export async function eventsOf(db: Db, quarter: string): Promise<string[]> {
  const rows = await db
    .selectFrom('quartermaster.quarter_events')
    .select('event')
    .where('quarter', '=', quarter)
    .orderBy('id')
    .execute();
  return rows.map(({ event }) => event);
}

/** Makes a closed quarter look archived and verified, which is all that a detach asks for. */
export async function pretendArchived(db: Db, quarter: string): Promise<void> {
  const { digest } = await db
    .selectFrom('quartermaster.quarters')
    .select('digest')
    .where('quarter', '=', quarter)
    .executeTakeFirstOrThrow();
  const at = new Date('2026-05-05T12:00:00Z');
  await db
    .insertInto('quartermaster.archives')
    .values({
      quarter,
      location: 'none:',
      format_version: 1,
      manifest_sha256: '0',
      previous_manifest_sha256: null,
      digest: digest ?? '',
      rows: 0n,
      bytes: 0n,
      written_at: at,
      verified_at: at,
    })
    .execute();
  await db
    .updateTable('quartermaster.quarters')
    .set({ state: 'archived', archived_at: at, verified_at: at })
    .where('quarter', '=', quarter)
    .execute();
}
