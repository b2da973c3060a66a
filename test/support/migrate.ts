import { systemClock } from '../../src/core/clock.ts';
import { openDatabase } from '../../src/db/database.ts';
import * as migrations from '../../src/db/migrate.ts';
import { createEntry } from '../../src/main/entry.ts';
import { readConfig } from '../../src/platform/config.ts';
import { createLogger } from '../../src/platform/logger.ts';

/** Makes the schema of a database from nothing, as `quartermaster migrate up` does, without the queues. */
export async function migrateUp(options: { url: string; zone: string }): Promise<void> {
  const database = openDatabase({ databaseUrl: options.url, poolMax: 2 });
  try {
    await migrations.migrateUp(database.direct, { timezone: options.zone, ledgerSet: 'ledger' });
  } finally {
    await database.close();
  }
}

/** All of `quartermaster migrate up`: the schema, the queues, and where there are roles their rights. */
export async function migrateWhole(options: { url: string; zone: string }): Promise<void> {
  const entry = createEntry({
    version: '0.0.0-test',
    clock: systemClock,
    signal: new AbortController().signal,
  });
  const config = readConfig({ QM_DATABASE_URL: options.url, QM_TIMEZONE: options.zone });
  await entry.migrateUp(config, createLogger('silent'));
}
