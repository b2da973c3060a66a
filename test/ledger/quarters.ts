import { sql } from 'kysely';
import { calendar as calendarOf } from '../../src/core/quarter.ts';
import { partitionName, quarterTables } from '../../src/core/tables.ts';
import type { Database } from '../../src/db/database.ts';
import { identifier, instantLiteral } from '../../src/db/identifier.ts';

/** Makes the partitions between two instants, in the simplest way there is. */
export async function ensureQuarters(database: Database, zone: string, from: Date, to: Date): Promise<void> {
  const calendar = calendarOf(zone);
  for (const { name, start, end } of calendar.range(
    calendar.quarterOf(from).name,
    calendar.quarterOf(to).name,
  )) {
    await database.direct.transaction().execute(async (trx) => {
      await sql`SELECT pg_advisory_xact_lock(1)`.execute(trx);
      for (const table of quarterTables) {
        const partition = identifier(table.schema, partitionName(table, name));
        await sql
          .raw(
            `CREATE TABLE IF NOT EXISTS ${partition} PARTITION OF ${identifier(table.schema, table.name)}
             FOR VALUES FROM (${instantLiteral(start)}) TO (${instantLiteral(end)})`,
          )
          .execute(trx);
      }
      await trx
        .insertInto('quartermaster.quarters')
        .values({ quarter: name, starts_at: start, ends_at: end, state: 'open' } as never)
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    });
  }
}
