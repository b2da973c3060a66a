import type { CliEntry } from '../cli/house.ts';
import { openDatabase } from '../db/database.ts';
import { startEmbedded } from '../db/embedded.ts';
import { requireNoForeignCode } from '../db/foreign-code.ts';
import { applyGrants } from '../db/grants-apply.ts';
import * as migrations from '../db/migrate.ts';
import * as schema from '../db/schema-version.ts';
import { type Config, readConfig } from '../platform/config.ts';
import { createLogger } from '../platform/logger.ts';
import { installQueues, openHouse, openUnseen, type Process } from './house.ts';
import { awaitDatabase } from './opening.ts';

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
      const report = await withDirect(config, async (db) => {
        const { signal } = process;
        await awaitDatabase(() => schema.migrationStatus(db), { config, logger, signal });
        await requireNoForeignCode(db);
        return migrations.migrateUp(db, config, options);
      });
      await installQueues(config, logger, process);
      // Last, when all that is to be handed out is there.
      const { did } = await withDirect(config, (db) => applyGrants(db, options));
      return { ...report, ...(did.length > 0 && { granted: did }) };
    },
    migrateDown: (config, options) =>
      withDirect(config, async (db) => {
        await requireNoForeignCode(db);
        return migrations.migrateDown(db, options);
      }),
    migrationStatus: (config) => withDirect(config, (db) => schema.migrationStatus(db)),
  };
}

/** Migrations need two connections, by no pooler: one looks at what the other builds. */
async function withDirect<T>(
  config: Config,
  action: (db: ReturnType<typeof openDatabase>['direct']) => Promise<T>,
): Promise<T> {
  const database = openDatabase({
    ...config,
    poolMax: 2,
    applicationName: 'quartermaster-migrate',
    catalogOnly: true,
  });
  try {
    return await action(database.direct);
  } finally {
    await database.close();
  }
}
