import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { verifyArchive } from '../../src/archive/verify.ts';
import { createDatabase } from '../support/database.ts';
import { bookNastyPayments, closeQuarters, openArchiveHouse } from './archive-fixture.ts';

const MB = 1024 * 1024;

it('a quarter of a million rows is archived in little memory', { timeout: 300_000 }, async () => {
  const home = await createDatabase();
  const directory = await mkdtemp(join(tmpdir(), 'test-archive-'));
  const house = openArchiveHouse(home.url, directory);
  try {
    await bookNastyPayments(house, [{ quarter: '2024q1', transactions: 335_000 }]);
    await closeQuarters(house, ['2024q1']);
    const child = fileURLToPath(new URL('./archive-child.ts', import.meta.url));
    // JavaScript gets 64 MB; the rows as CSV are 150 MB.
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--max-old-space-size=64',
      child,
      home.url,
      directory,
      '2024q1',
    ]);
    const { idle, peak } = JSON.parse(stdout);
    const report = await verifyArchive(house.store, 'ledger/2024q1');
    expect(report.rows).toBeGreaterThan(1_000_000);
    // DuckDB is given 256 MB, and takes some more for the buffers it reads and writes through.
    expect((peak - idle) / MB).toBeLessThan(640);
  } finally {
    await house.database.close();
    await home.drop();
    await rm(directory, { recursive: true, force: true });
  }
});
