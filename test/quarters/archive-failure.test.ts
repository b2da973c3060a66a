import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openDiskStore } from '../../src/archive/disk-store.ts';
import type { Store } from '../../src/archive/store.ts';
import { AppError } from '../../src/core/errors.ts';
import { archiveQuarter, previewArchive } from '../../src/quarters/archive.ts';
import { forgetParts } from '../../src/quarters/archive-parts.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { readQuarter } from '../../src/quarters/registry.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { bookNastyPayments, closeQuarters, openArchiveHouse, run } from './archive-fixture.ts';

let home: TestDatabase;
let directory: string;
let house: QuarterHouse;
const other = '2024q1';
const quarter = '2024q2';

beforeAll(async () => {
  home = await createDatabase();
  directory = await mkdtemp(join(tmpdir(), 'test-archive-'));
  house = openArchiveHouse(home.url, directory);
  await bookNastyPayments(house, [
    { quarter: other, transactions: 90 },
    { quarter, transactions: 90 },
  ]);
  await closeQuarters(house, [other, quarter]);
  await archiveQuarter(house, run, other);
});

afterAll(async () => {
  await house?.database.close();
  await home?.drop();
  await rm(directory, { recursive: true, force: true });
});

const place = (of: string, path: string) => join(directory, 'ledger', of, path);

/** Where the quarter stands, and how many rows it has among the archives. */
async function stand() {
  const { state, archived_at, verified_at } = await readQuarter(house.database.direct, quarter);
  const { archives } = await house.database.direct
    .selectFrom('quartermaster.archives')
    .select((one) => one.fn.countAll<bigint>().as('archives'))
    .where('quarter', '=', quarter)
    .executeTakeFirstOrThrow();
  return { state, archived_at, verified_at, archives };
}

describe('a quarter stays closed', () => {
  const archive = (store: Store) => archiveQuarter({ ...house, store }, run, quarter);
  const disk = () => openDiskStore(directory);

  afterEach(async () => {
    expect(await stand()).toEqual({ state: 'closed', archived_at: null, verified_at: null, archives: 0n });
    // Each of these begins at the beginning; that a run goes on where another stopped is tested elsewhere.
    await forgetParts(house.database.direct, quarter);
  });

  /** A store that puts something else than it was given, of the file of that name. */
  function lying(about: RegExp, lie: (bytes: Buffer) => Buffer): Store {
    const store = disk();
    return {
      ...store,
      async put(path, file) {
        if (!about.test(path)) return store.put(path, file);
        const other = join(directory, 'lie');
        await writeFile(other, lie(await readFile(file)));
        return { ...(await store.put(path, other)), path };
      },
    };
  }

  const damaged = (detail: RegExp) => ({
    kind: 'corrupt',
    code: 'archive_damaged',
    detail: expect.stringMatching(detail),
  });
  const flip = (bytes: Buffer) =>
    Buffer.from(bytes.map((byte, i) => (i === bytes.length >> 1 ? byte ^ 1 : byte)));

  it('when the store loses the end of a file', async () => {
    await expect(archive(lying(/entries/, (bytes) => bytes.subarray(0, -100)))).rejects.toMatchObject(
      damaged(/entries\/part-0000\.parquet has \d+ bytes instead of/),
    );
  });

  it('when the store changes a bit of a file', async () => {
    await expect(archive(lying(/currencies/, flip))).rejects.toMatchObject(damaged(/another SHA-256/));
  });

  it.each(['accounts/part-0000.parquet', 'manifest.json'])('when the store forgets %s', async (lost) => {
    const store = disk();
    const forgetful: Store = {
      ...store,
      async put(path, file) {
        const stored = await store.put(path, file);
        if (path.endsWith(lost)) await store.remove(path);
        return stored;
      },
    };
    await expect(archive(forgetful)).rejects.toMatchObject(damaged(new RegExp(`${lost} is missing`)));
  });

  it.each(['put', 'open'] as const)('when it is stopped while the store hangs in %s', async (where) => {
    const store = disk();
    const stop = new AbortController();
    const hangs = (signal: AbortSignal | undefined) =>
      new Promise<never>((_, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason));
        stop.abort(new AppError('aborted', 'aborted', 'Enough.'));
      });
    const hanging: Store = {
      ...store,
      put: (path, file, options) =>
        where === 'put' && /entries/.test(path) ? hangs(options?.signal) : store.put(path, file),
      open: (path, options) =>
        where === 'open' && /entries/.test(path) ? hangs(options?.signal) : store.open(path),
    };
    const stopped = archiveQuarter({ ...house, store: hanging }, { ...run, signal: stop.signal }, quarter);
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
  });

  it('when the store changes the manifest, which it does not keep then', async () => {
    const change = (bytes: Buffer) => Buffer.from(bytes.toString().replace('"ada"', '"eve"'));
    await expect(archive(lying(/manifest/, change))).rejects.toMatchObject(damaged(/manifest: it came back/));
    await expect(archive(lying(/manifest/, (bytes) => bytes.subarray(5)))).rejects.toMatchObject(
      damaged(/manifest: The manifest is not JSON/),
    );
    expect(await disk().stat(`ledger/${quarter}/manifest.json`)).toBeUndefined();
  });

  it('when the store is full', async () => {
    const full: Store = {
      ...disk(),
      put: async () => {
        throw new AppError('unavailable', 'store_failed', 'No space left.');
      },
    };
    await expect(archive(full)).rejects.toMatchObject({ kind: 'unavailable', code: 'store_failed' });
  });

  it('when its rows are not those that were counted at close', async () => {
    const admin = openArchiveHouse(home.adminUrl, directory);
    const partition = `ledger.transactions_${quarter}`;
    const lost = `(SELECT min(id::text)::uuid FROM ${partition} WHERE status = 'FAILED')`;
    const spoil = (text: string) => sql.raw(text).execute(admin.database.direct);
    try {
      await spoil(`CREATE TABLE kept AS SELECT * FROM ${partition} WHERE id = ${lost}`);
      await spoil(`DELETE FROM ${partition} WHERE id = ${lost}`);
      await expect(archive(disk())).rejects.toMatchObject(
        damaged(/counts: 89 transactions instead of 90\. digests: the digest of the quarter is/),
      );
      await spoil(`ALTER TABLE ${partition} DROP CONSTRAINT quarter_closed`);
      await spoil(`INSERT INTO ${partition} SELECT * FROM kept`);
      await spoil(`ALTER TABLE ${partition} ADD CONSTRAINT quarter_closed CHECK (false) NOT VALID`);
    } finally {
      await admin.database.close();
    }
  });

  it('when it was closed on books that have changed since', async () => {
    const stale = (reason: string | null) =>
      house.database.direct
        .updateTable('quartermaster.quarters')
        .set({ stale_reason: reason })
        .where('quarter', '=', quarter)
        .execute();
    await stale('2024q1 was reopened');
    await expect(archive(disk())).rejects.toMatchObject({ kind: 'conflict', code: 'quarter_stale' });
    expect((await previewArchive(house, run, quarter)).obstacles).toMatchObject([
      { code: 'quarter_stale', detail: expect.stringContaining('2024q1 was reopened') },
    ]);
    await stale(null);
  });

  it('when its fence is down', async () => {
    const admin = openArchiveHouse(home.adminUrl, directory);
    const partition = `ledger.entries_${quarter}`;
    await sql.raw(`ALTER TABLE ${partition} DROP CONSTRAINT quarter_closed`).execute(admin.database.direct);
    await expect(archive(disk())).rejects.toMatchObject({ kind: 'conflict', code: 'partition_not_fenced' });
    await sql
      .raw(`ALTER TABLE ${partition} ADD CONSTRAINT quarter_closed CHECK (false) NOT VALID`)
      .execute(admin.database.direct);
    await admin.database.close();
  });

  it('when somebody else’s archive is in its folder', async () => {
    const theirs = (await readFile(place(other, 'manifest.json'))).toString();
    const foreign = place(quarter, 'manifest.json');
    await writeFile(foreign, theirs);
    await expect(archive(disk())).rejects.toMatchObject({ kind: 'conflict', code: 'archive_exists' });
    expect((await readFile(foreign)).toString()).toBe(theirs);
    await rm(foreign);
  });

  it('when it is stopped, wherever it was', async () => {
    for (const at of ['archive.cleared', 'archive.stored entries/part-0000.parquet', 'archive.copied']) {
      const stop = new AbortController();
      const stopped = archiveQuarter(
        house,
        { ...run, signal: stop.signal, step: (name) => void (name === at && stop.abort()) },
        quarter,
      );
      await expect(stopped, at).rejects.toMatchObject({ code: 'aborted' });
    }
  });

  it('when its lock is lost, and nothing more is put into the store', async () => {
    const puts: string[] = [];
    const store = disk();
    const watched: Store = {
      ...store,
      put(path, file) {
        puts.push(path);
        return store.put(path, file);
      },
    };
    const losing = archiveQuarter(
      { ...house, store: watched },
      {
        ...run,
        step: async (name) => {
          if (name === 'archive.stored accounts/part-0000.parquet') {
            await sql`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'
              AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`.execute(
              house.database.write,
            );
          }
        },
      },
      quarter,
    );
    await expect(losing).rejects.toMatchObject({ kind: 'unavailable' });
    expect(puts).toEqual([`ledger/${quarter}/accounts/part-0000.parquet`]);
  });
});

describe('after all that', () => {
  it('the quarter is archived, and nothing is left of what went wrong', async () => {
    await writeFile(place(quarter, 'entries/part-0001.parquet'), 'left by a run with smaller parts');
    await writeFile(place(quarter, 'entries/.tmp-4711'), 'left by a put that was killed');
    await archiveQuarter(house, run, quarter);
    expect(
      (await openDiskStore(directory).list(`ledger/${quarter}`)).map(({ path }) =>
        path.split('/').slice(2).join('/'),
      ),
    ).toEqual([
      'accounts/part-0000.parquet',
      'currencies/part-0000.parquet',
      'entries/part-0000.parquet',
      'manifest.json',
      'quarter_balances/part-0000.parquet',
      'transactions/part-0000.parquet',
    ]);
    await expect(readFile(place(quarter, 'entries/.tmp-4711'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
