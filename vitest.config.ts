import { defineConfig } from 'vitest/config';

/** What these look at is held back by the oldest transaction of the whole server, so they run alone, after all others. */
const quiet = ['test/quarters/freeze*.test.ts'];

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
        test: { name: 'house', include: ['test/**/*.test.ts'], exclude: [...quiet, '**/node_modules/**'] },
      },
      { extends: true, test: { name: 'freeze', include: quiet, maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
    // .ci/run reads the counts of its last line from the report.
    reporters: process.env.CI ? ['default', 'json'] : ['default'],
    outputFile: { json: 'var/test-results.json' },
  },
});
