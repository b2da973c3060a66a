import { openDatabase } from '../../src/db/database.ts';
import * as migrations from '../../src/db/migrate.ts';

/** Migrates a database from nothing, as `quartermaster migrate up` does. */
export async function migrateUp(options: { url: string; zone: string }): Promise<void> {
  const database = openDatabase({ databaseUrl: options.url, poolMax: 2 });
  try {
    await migrations.migrateUp(database.direct, { timezone: options.zone, ledgerSet: 'ledger' });
  } finally {
    await database.close();
  }
}
