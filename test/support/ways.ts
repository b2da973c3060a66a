import { inject } from 'vitest';
import type { RoleKey } from '../../src/db/grants.ts';
import { inRole } from './roles.ts';

/** The ways to a test's database: with QM_TEST_POOLER=1 what may be pooled goes through a real PgBouncer. */
export interface Ways {
  readonly databaseUrl: string;
  readonly directDatabaseUrl: string;
}

export function ways(url: string): Ways {
  const plain = { databaseUrl: url, directDatabaseUrl: url };
  // Looked at first: a process that a test has started knows nothing of the run.
  if (process.env.QM_TEST_POOLER !== '1') return plain;
  const { poolerPort } = inject('postgres');
  if (poolerPort === undefined || !isShared(url)) return plain;
  const pooled = new URL(url);
  pooled.hostname = '127.0.0.1';
  pooled.port = String(poolerPort);
  return { databaseUrl: pooled.href, directDatabaseUrl: url };
}

/** The same for the environment of a process, where that names one database only; and as its role, where the run is under roles. */
export function environmentOf(
  environment: Readonly<Record<string, string>>,
  role: RoleKey,
): Record<string, string> {
  const { QM_DATABASE_URL: url, QM_DIRECT_DATABASE_URL: direct } = environment;
  if (url === undefined || direct !== undefined || !isShared(url)) return { ...environment };
  const { databaseUrl, directDatabaseUrl } = ways(inRole(url, role));
  return { ...environment, QM_DATABASE_URL: databaseUrl, QM_DIRECT_DATABASE_URL: directDatabaseUrl };
}

/** A server of a test's own has no pooler and no roles. */
function isShared(url: string): boolean {
  return new URL(url).host === new URL(inject('postgres').adminUrl).host;
}
