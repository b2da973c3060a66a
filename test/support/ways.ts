import { inject } from 'vitest';

/** The ways to a test's database: with QM_TEST_POOLER=1 what may be pooled goes through a real PgBouncer. */
export interface Ways {
  readonly databaseUrl: string;
  readonly directDatabaseUrl: string;
}

export function ways(url: string): Ways {
  const { adminUrl, poolerPort } = inject('postgres');
  const pooled = new URL(url);
  // A server of a test's own is not behind it.
  if (poolerPort !== undefined && pooled.host === new URL(adminUrl).host) {
    pooled.hostname = '127.0.0.1';
    pooled.port = String(poolerPort);
  }
  return { databaseUrl: pooled.href, directDatabaseUrl: url };
}

/** The same for the environment of a process, where that names one database only. */
export function environmentOf(environment: Readonly<Record<string, string>>): Record<string, string> {
  const { QM_DATABASE_URL: url, QM_DIRECT_DATABASE_URL: direct } = environment;
  if (url === undefined || direct !== undefined) return { ...environment };
  const { databaseUrl, directDatabaseUrl } = ways(url);
  return { ...environment, QM_DATABASE_URL: databaseUrl, QM_DIRECT_DATABASE_URL: directDatabaseUrl };
}
