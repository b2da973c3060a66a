import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'node',
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    // Each has a PostgreSQL to itself for half of the time; more of them only make each other time out.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // .ci/run reads the counts of its last line from the report.
    reporters: process.env.CI ? ['default', 'json'] : ['default'],
    outputFile: { json: 'var/test-results.json' },
  },
});
