import { defineConfig } from 'vitest/config';

/** What these look at is held back by the oldest transaction of the whole server, so they run alone, after all others. */
const quiet = ['test/quarters/freeze*.test.ts'];

/** The API and the worker: through a real PgBouncer, where there is one, and each as its role. QM_TEST_PLAIN=1 does without both. */
const processes = ['http', 'jobs', 'queue', 'main'].map((folder) => `test/${folder}/**/*.test.ts`);
const between = process.env.QM_TEST_PLAIN === '1' ? {} : { QM_TEST_POOLER: '1', QM_TEST_ROLES: '1' };

export default defineConfig({
  test: {
    environment: 'node',
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    // Each has a PostgreSQL to itself for half of the time; more of them only make each other time out.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'house',
          include: ['test/**/*.test.ts'],
          exclude: [...quiet, ...processes, '**/node_modules/**'],
        },
      },
      { extends: true, test: { name: 'processes', include: processes, env: between } },
      { extends: true, test: { name: 'freeze', include: quiet, maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
    // .ci/run reads the counts of its last line from the report.
    reporters: process.env.CI ? ['default', 'json'] : ['default'],
    outputFile: { json: 'var/test-results.json' },
  },
});
