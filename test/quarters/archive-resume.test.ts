import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDiskStore } from '../../src/archive/disk-store.ts';
import type { Store } from '../../src/archive/store.ts';
import { readManifest, verifyArchive } from '../../src/archive/verify.ts';
import { archiveQuarter, previewArchive } from '../../src/quarters/archive.ts';
import type { Progress, QuarterHouse } from '../../src/quarters/context.ts';
import { readQuarter } from '../../src/quarters/registry.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { bookNastyPayments, closeQuarters, openArchiveHouse, run } from './archive-fixture.ts';

/** So small that each chunk of the copy, up to 256 KiB, becomes a part. */
const partBytes = 1;
const quarters = ['2024q1', '2024q2', '2024q3', '2024q4', '2025q1', '2025q2'];

let home: TestDatabase;
let directory: string;
let house: QuarterHouse;

beforeAll(async () => {
  home = await createDatabase();
  directory = await mkdtemp(join(tmpdir(), 'test-archive-'));
  house = openArchiveHouse(home.url, directory, { partBytes });
  await bookNastyPayments(
    house,
    quarters.map((quarter) => ({ quarter, transactions: 9000 })),
  );
  await closeQuarters(house, quarters);
});

afterAll(async () => {
  await house?.database.close();
  await home?.drop();
  await rm(directory, { recursive: true, force: true });
});

/** A store that tells what was put, by its path in the archive, and what was opened. */
function watchedStore(): { store: Store; puts: string[] } {
  const disk = openDiskStore(directory);
  const puts: string[] = [];
  const store: Store = {
    ...disk,
    put(path, file) {
      puts.push(path.split('/').slice(2).join('/'));
      return disk.put(path, file);
    },
  };
  return { store, puts };
}

function archiveInChild(quarter: string, step: string): Promise<string | null> {
  const child = fileURLToPath(new URL('./archive-child.ts', import.meta.url));
  return new Promise((resolve) => {
    const env = { ...process.env, TMPDIR: directory };
    const words = [child, home.url, directory, quarter, step, String(partBytes)];
    const running = execFile(process.execPath, words, { env }, () => resolve(running.signalCode));
  });
}

async function partsOf(quarter: string): Promise<string[]> {
  const rows = await house.database.direct
    .selectFrom('quartermaster.archive_parts')
    .select('path')
    .where('quarter', '=', quarter)
    .orderBy('path')
    .execute();
  return rows.map(({ path }) => path);
}

/** Stops the archive once this part is kept. */
async function stopAt(quarter: string, part: string): Promise<void> {
  const stop = new AbortController();
  const step = (name: string) => void (name === `archive.kept ${part}` && stop.abort());
  const stopped = archiveQuarter(house, { ...run, signal: stop.signal, step }, quarter);
  await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
}

/** The archive is whole, and its rows are those of the close. */
async function expectWhole(quarter: string): Promise<void> {
  const { state, digest } = await readQuarter(house.database.direct, quarter);
  expect(state).toBe('archived');
  const report = await verifyArchive(house.store, `ledger/${quarter}`);
  expect(report.digest).toBe(digest);
  expect(await house.store.list(`ledger/${quarter}`)).toHaveLength(report.files + 1);
  expect(await partsOf(quarter)).toEqual([]);
}

describe('an archive that did not come to its end', () => {
  it('goes on behind the last part that is in the store, though the process was killed', {
    timeout: 150_000,
  }, async () => {
    const quarter = '2024q1';
    const last = 'entries/part-0001.parquet';
    expect(await archiveInChild(quarter, `archive.kept ${last}`)).toBe('SIGKILL');
    const before = await partsOf(quarter);
    expect(before).toContain(last);
    expect(before).toContain('transactions/part-0001.parquet');
    const { steps } = await previewArchive(house, run, quarter);
    expect(steps[0]).toContain(`${before.length} parts of an earlier run are there already`);

    const { store, puts } = watchedStore();
    const progress: Progress[] = [];
    await expect
      .poll(
        () =>
          archiveQuarter(
            { ...house, store },
            { ...run, onProgress: (one) => progress.push(one) },
            quarter,
          ).then(String, ({ code }) => code),
        { timeout: 100_000 },
      )
      .toBe('[object Object]');
    expect(puts.filter((path) => before.includes(path))).toEqual([]);
    expect(puts).toContain('entries/part-0002.parquet');
    // What was done before is said at once, so that no rate is reckoned from it.
    expect(progress[0]?.done).toBeGreaterThan(0);
    expect(progress[0]?.bytes).toBeGreaterThan(0);
    expect(progress.at(-1)?.done).toBe(progress.at(-1)?.total);
    await expectWhole(quarter);
  });

  it('goes on when it was stopped, and writes again what is not in the store as it was', async () => {
    const quarter = '2024q2';
    await stopAt(quarter, 'entries/part-0002.parquet');
    const before = await partsOf(quarter);
    await rm(join(directory, 'ledger', quarter, 'transactions/part-0001.parquet'));
    await truncate(join(directory, 'ledger', quarter, 'entries/part-0002.parquet'), 100);
    const { store, puts } = watchedStore();
    await archiveQuarter({ ...house, store }, run, quarter);
    expect(puts).not.toContain('transactions/part-0000.parquet');
    expect(puts).not.toContain('entries/part-0001.parquet');
    // Behind a part that is gone no other counts.
    expect(puts).toEqual(
      expect.arrayContaining([
        'entries/part-0002.parquet',
        ...before.filter((path) => path.startsWith('transactions/') && path > 'transactions/part-0001'),
      ]),
    );
    await expectWhole(quarter);
  });

  it('believes nothing of a part before it is read: a changed one is found, and the next run begins anew', async () => {
    const quarter = '2024q3';
    await stopAt(quarter, 'entries/part-0002.parquet');
    const file = join(directory, 'ledger', quarter, 'entries/part-0000.parquet');
    const bytes = await readFile(file);
    bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100);
    await writeFile(file, bytes);
    await expect(archiveQuarter(house, run, quarter)).rejects.toMatchObject({
      code: 'archive_damaged',
      detail: expect.stringMatching(/entries\/part-0000\.parquet has another SHA-256/),
    });
    expect((await readQuarter(house.database.direct, quarter)).state).toBe('closed');
    expect(await partsOf(quarter)).toEqual([]);
    const { store, puts } = watchedStore();
    await archiveQuarter({ ...house, store }, run, quarter);
    expect(puts).toContain('accounts/part-0000.parquet');
    await expectWhole(quarter);
  });

  it('begins anew when the quarter was closed anew', async () => {
    const quarter = '2024q4';
    await stopAt(quarter, 'entries/part-0001.parquet');
    const db = house.database.direct;
    const setDigest = (digest: string) =>
      db.updateTable('quartermaster.archive_parts').set({ digest }).where('quarter', '=', quarter).execute();
    await setDigest('0'.repeat(64));
    const { store, puts } = watchedStore();
    await archiveQuarter({ ...house, store }, run, quarter);
    expect(puts).toContain('transactions/part-0000.parquet');
    await expectWhole(quarter);
  });
});

describe('an archive', () => {
  it('reads all tables in one snapshot, and accounts as they were at the close', async () => {
    const quarter = '2025q1';
    const db = house.database.write;
    await sql`UPDATE ledger.accounts SET name = 'renamed', status = 'BLOCKED'
      WHERE ledger_id IN (SELECT id FROM ledger.ledgers)`.execute(db);
    const began = new Set<string>();
    const step = async (name: string) => {
      if (!/kept (transactions|entries)/.test(name)) return;
      const { rows } = await sql<{ transaction: string }>`
        SELECT pid || ' ' || xact_start AS transaction FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
          AND backend_type = 'client backend'`.execute(db);
      for (const { transaction } of rows) began.add(transaction);
    };
    await archiveQuarter(house, { ...run, step }, quarter);
    expect(began.size).toBe(1);
    await expectWhole(quarter);
    const { manifest } = await readManifest(house.store, `ledger/${quarter}`);
    const accounts = manifest.tables.find(({ name }) => name === 'accounts');
    const { rows } = await sql<{ digest: string }>`
      SELECT count(*)::text AS digest FROM ledger.quarter_accounts
      WHERE ledger_id IN (SELECT id FROM ledger.ledgers) AND quarter = ${quarter} AND status = 'ACTIVE'`.execute(
      db,
    );
    expect(String(accounts?.rows)).toBe(rows[0]?.digest);
  });

  it('is proved in a store elsewhere too, from which each part is fetched and not kept', async () => {
    const quarter = '2025q2';
    const { localPath: _, ...elsewhere } = openDiskStore(directory);
    await archiveQuarter({ ...house, store: elsewhere }, run, quarter);
    await expectWhole(quarter);
  });
});
