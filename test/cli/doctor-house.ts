import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';
import { runCommandLine } from '../../src/cli/program.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { entryOf, run } from './doctor.ts';

/** A ledger of one test that wants for nothing, before something is done to it. */
export interface SoundHouse {
  readonly home: TestDatabase;
  readonly store: string;
  readonly env: Record<string, string>;
  /** By a superuser. */
  sql(text: string): Promise<Record<string, unknown>[]>;
}

/** What a worker leaves that is at work, and a key of somebody. */
const AT_WORK = `
  INSERT INTO pgboss.instance (id, host, pid, version, node_version, application_name, heartbeat_seconds,
                               supervise, schedule, migrate, persist_queue_stats, persist_warnings)
  VALUES (gen_random_uuid(), 'worker-1', 7, '12.38.0', 'v24.1.0', 'quartermaster worker', 30, true, true, true, true, true);
  INSERT INTO quartermaster.api_keys (id, name, secret_sha256, roles) VALUES ('aaaaaaaaaaaa', 'desk', sha256('x'), '{reader}')`;

/** Of the worker's role. */
export async function soundHouse(): Promise<SoundHouse> {
  const home = await createDatabase({ roles: true });
  const store = await mkdtemp(join(tmpdir(), 'test-doctor-store-'));
  onTestFinished(async () => {
    await home.drop();
    await rm(store, { recursive: true, force: true });
  });
  const env = { QM_DATABASE_URL: home.as('worker'), QM_STORE: pathToFileURL(store).href };
  const kit = { entry: entryOf({ env }), out: new PassThrough(), err: new PassThrough() };
  const code = await runCommandLine(kit, ['run', 'reconcile-partitions', '--json']);
  if (code !== 0) throw new Error(String(kit.err.read()));
  const sql = (text: string) => run(home.adminUrl, text);
  await sql(AT_WORK);
  return { home, store, env, sql };
}
