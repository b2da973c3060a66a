import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import type { Role } from '../../src/core/access.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { createKey } from '../../src/ledger/keys.ts';
import { type Running, spawnCommand } from '../main/process.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

/** The demo as a process of its own: ledgers with ten quarters in most states there are, an API with the page, and a worker. */
export interface ConsoleHouse {
  readonly url: string;
  readonly database: Database;
  /** What a process of the command line needs to work on the same ledger. */
  readonly environment: Record<string, string>;
  /** A key of the database. */
  key(name: string, roles: readonly Role[], ledgers?: readonly string[] | null): Promise<string>;
}

/** Registers the hooks that start it and stop it. `environment`: settings besides. */
export function useConsoleHouse(environment: Record<string, string> = {}): ConsoleHouse {
  let created: TestDatabase;
  let folder: string;
  let demo: Running;
  let database: Database;
  let url = '';
  let settings: Record<string, string> = {};
  beforeAll(async () => {
    created = await createDatabase({ migrated: false });
    folder = await mkdtemp(join(tmpdir(), 'quartermaster-console-'));
    database = openDatabase({ databaseUrl: created.url, poolMax: 2, applicationName: 'test-console' });
    settings = {
      QM_DATABASE_URL: created.url,
      QM_STORE: `file://${folder}/store`,
      QM_CACHE_DIR: join(folder, 'cache'),
      QM_PORT: '0',
      QM_WORKER_PORT: '0',
      ...environment,
    };
    demo = spawnCommand(['demo', '--share', '2'], settings, { untilTestEnds: false });
    const { text } = await demo.said(({ text }) => /The API listens on http/.test(text ?? ''));
    url = /listens on (http:\/\/\S+)/.exec(text ?? '')?.[1] ?? '';
  });
  afterAll(async () => {
    demo?.child.kill('SIGTERM');
    await demo?.ended;
    await database?.close();
    await created?.drop();
    await rm(folder, { recursive: true, force: true });
  });
  return {
    get url() {
      return url;
    },
    get database() {
      return database;
    },
    get environment() {
      return settings;
    },
    key: async (name, roles, ledgers = null) =>
      (await createKey(database.write, { name, roles, ledgers })).token,
  };
}
