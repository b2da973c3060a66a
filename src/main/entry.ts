import type { CliEntry } from '../cli/house.ts';
import { type Database, openDatabase } from '../db/database.ts';
import { startEmbedded } from '../db/embedded.ts';
import { requireNoForeignCode } from '../db/foreign-code.ts';
import { applyGrants } from '../db/grants-apply.ts';
import * as migrations from '../db/migrate.ts';
import * as schema from '../db/schema-version.ts';
import { type Config, readConfig } from '../platform/config.ts';
import { createLogger } from '../platform/logger.ts';
import { installQueues, openHouse, openUnseen, type Process } from './house.ts';
import { awaitDatabase, createAsk } from './opening.ts';

/** What the command line gets from the process. */
export function createEntry(process: Process): CliEntry {
  return {
    ...process,
    readConfig,
    createLogger,
    startEmbedded: (directory) => startEmbedded({ directory, signal: process.signal }),
    openHouse: (config, logger) => openHouse(config, logger, process),
    openUnseen: (config, logger) => openUnseen(config, logger, process),
    async migrateUp(config, logger, options = { signal: process.signal }) {
      const report = await withDirect(config, async (database) => {
        const ask = createAsk(database);
        const url = config.directDatabaseUrl ?? config.databaseUrl;
        const { startWait } = config;
        const { signal } = process;
        await awaitDatabase(() => ask('SELECT 1 AS one'), { url, startWait, logger, signal });
        await requireNoForeignCode(database.direct);
        return migrations.migrateUp(database.direct, config, options);
      });
      await installQueues(config, logger, process);
      // Last, when all that is to be handed out is there.
      const { did } = await withDirect(config, ({ direct }) => applyGrants(direct, options));
      return { ...report, ...(did.length > 0 && { granted: did }) };
    },
    migrateDown: (config, options) =>
      withDirect(config, async ({ direct }) => {
        await requireNoForeignCode(direct);
        return migrations.migrateDown(direct, options);
      }),
    migrationStatus: (config) => withDirect(config, ({ direct }) => schema.migrationStatus(direct)),
  };
}

/** Migrations need two connections, by no pooler: one looks at what the other builds. */
async function withDirect<T>(config: Config, action: (database: Database) => Promise<T>): Promise<T> {
  const database = openDatabase({
    ...config,
    poolMax: 2,
    applicationName: 'quartermaster-migrate',
    catalogOnly: true,
  });
  try {
    return await action(database);
  } finally {
    await database.close();
  }
}
