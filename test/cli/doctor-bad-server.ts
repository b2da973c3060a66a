import { roleNames } from '../../src/db/grants.ts';
import { runRolesScript } from '../support/database.ts';
import { migrateWhole } from '../support/migrate.ts';
import { asRole } from '../support/roles.ts';
import { startServer } from '../support/server.ts';
import { run } from './doctor.ts';

/** A server that is set up as badly as can be, with a migrated ledger under the four roles. */
export interface BadServer {
  /** Of the worker. */
  readonly env: Record<string, string>;
  /** Of a superuser, in the ledger's database. */
  readonly adminUrl: string;
  readonly url: string;
  stop(): Promise<void>;
}

const PASSWORD = 'for-this-server-alone';

export async function startBadServer(): Promise<BadServer> {
  const server = await startServer({
    ...{
      fsync: 'off',
      autovacuum: 'off',
      wal_level: 'minimal',
      max_wal_senders: '0',
      checkpoint_timeout: '30s',
    },
    ...{ work_mem: '64kB', maintenance_work_mem: '1MB', shared_buffers: '16MB', max_connections: '40' },
    ...{ max_prepared_transactions: '5', max_locks_per_transaction: '10', default_statistics_target: '10' },
  });
  const adminUrl = Object.assign(new URL(server.adminUrl), { pathname: '/quartermaster' }).href;
  await runRolesScript(adminUrl);
  for (const role of Object.values(roleNames))
    await run(adminUrl, `ALTER ROLE ${role} PASSWORD '${PASSWORD}'`);
  await migrateWhole({ url: asRole(server.url, 'owner', PASSWORD), zone: 'UTC' });
  return {
    env: { QM_DATABASE_URL: asRole(server.url, 'worker', PASSWORD) },
    adminUrl,
    url: server.url,
    stop: server.stop,
  };
}
