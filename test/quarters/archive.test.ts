import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openDiskStore } from '../../src/archive/disk-store.ts';
import { parseManifest, sha256 } from '../../src/archive/manifest.ts';
import type { Store } from '../../src/archive/store.ts';
import { AppError, isAppError } from '../../src/core/errors.ts';
import { archiveQuarter } from '../../src/quarters/archive.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { readQuarter } from '../../src/quarters/registry.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { bookNastyPayments, closeQuarters, openArchiveHouse, run } from './archive-fixture.ts';

let home: TestDatabase;
let directory: string;
let house: QuarterHouse;
/** What is left over is closed and not yet archived: each test takes the next. */
const small = ['2024q2', '2024q3', '2024q4', '2025q1', '2025q2', '2025q3'];
let quarters: string[];

beforeAll(async () => {
  home = await createDatabase({ zone: 'Asia/Kathmandu' });
  directory = await mkdtemp(join(tmpdir(), 'test-archive-'));
  house = openArchiveHouse(home.url, directory, { zone: 'Asia/Kathmandu' });
  const payments = [{ quarter: '2024q1', transactions: 40_000 }];
  await bookNastyPayments(house, [...payments, ...small.map((quarter) => ({ quarter, transactions: 90 }))]);
  await closeQuarters(house, ['2024q1', ...small]);
  quarters = [...small];
});

afterAll(async () => {
  await house?.database.close();
  await home?.drop();
  await rm(directory, { recursive: true, force: true });
});

const place = (quarter: string, path: string) => join(directory, 'ledger', quarter, path);
const nextQuarter = () => quarters.shift() as string;
const standOf = async (quarter: string) => {
  const { state, archived_at, verified_at } = await readQuarter(house.database.direct, quarter);
  const archives = await house.database.direct
    .selectFrom('quartermaster.archives')
    .select('manifest_sha256')
    .where('quarter', '=', quarter)
    .execute();
  return { state, archived_at, verified_at, archives: archives.length };
};
const untouched = { state: 'closed', archived_at: null, verified_at: null, archives: 0 };

/** What anybody's DuckDB reads from the files, with nothing of ours. */
async function read(query: string): Promise<unknown[]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const result = await connection.runAndReadAll(query);
  connection.closeSync();
  instance.closeSync();
  return result.getRowObjectsJson();
}

async function select(query: string): Promise<unknown[]> {
  return house.database.withClient(async (client) => (await client.query(query)).rows);
}

describe('archiving a quarter of 120,000 rows', () => {
  beforeAll(async () => {
    const progress: string[] = [];
    const report = await archiveQuarter(
      house,
      { ...run, onProgress: ({ what, done, total }) => progress.push(`${what}: ${done === total}`) },
      '2024q1',
    );
    expect(report).toMatchObject({ quarter: '2024q1', archived: true });
    expect(report.rows).toBeGreaterThan(120_000n);
    expect(progress).toContain('copy 2024q1, in rows: true');
    expect(progress.at(-1)).toBe('read 2024q1 back, in bytes: true');
  }, 120_000);

  const files = (table: string) => `read_parquet('${place('2024q1', table)}/*.parquet')`;

  it('moves its state, with who did it and why', async () => {
    const at = new Date('2026-05-05T12:00:00.123Z');
    expect(await standOf('2024q1')).toEqual({
      state: 'archived',
      archived_at: at,
      verified_at: at,
      archives: 1,
    });
    const [event] = await house.database.direct
      .selectFrom('quartermaster.quarter_events')
      .select(['actor', 'reason', 'detail'])
      .where('quarter', '=', '2024q1')
      .where('event', '=', 'archive')
      .execute();
    const manifest = await readFile(place('2024q1', 'manifest.json'));
    expect(event).toMatchObject({
      actor: 'ada',
      reason: 'year-end',
      detail: { manifest_sha256: sha256(manifest) },
    });
  });

  it('tells in the manifest what the quarter is, exactly, and in which zone', async () => {
    const manifest = parseManifest(await readFile(place('2024q1', 'manifest.json')));
    expect(manifest).toMatchObject({
      quarter: '2024q1',
      starts_at: '2023-12-31T18:15:00.000Z',
      ends_at: '2024-03-31T18:15:00.000Z',
      zone: 'Asia/Kathmandu',
      closed: { by: 'ada' },
      archived: { by: 'ada', reason: 'year-end' },
    });
    const row = await readQuarter(house.database.direct, '2024q1');
    expect(manifest.digest).toBe(row.digest);
    const recorded = await house.database.direct
      .selectFrom('quartermaster.archive_files')
      .select(['path', 'table_name', 'rows', 'bytes', 'sha256'])
      .where('quarter', '=', '2024q1')
      .orderBy('path')
      .execute();
    const declared = manifest.tables.flatMap(({ name, files }) =>
      files.map((file) => ({
        ...file,
        table_name: name,
        rows: BigInt(file.rows),
        bytes: BigInt(file.bytes),
      })),
    );
    expect(recorded).toEqual(declared.sort((a, b) => (a.path < b.path ? -1 : 1)));
  });

  it('gives sums to DuckDB alone that are those of PostgreSQL', async () => {
    const totals = (entries: string, accounts: string) => `
      SELECT e.ledger_id, a.currency, count(*)::text AS entries,
             sum(CASE WHEN e.amount < 0 THEN -e.amount END)::text AS debits,
             sum(CASE WHEN e.amount > 0 THEN e.amount END)::text AS credits,
             sum(e.amount * e.version)::text AS weighted
      FROM ${entries} AS e JOIN ${accounts} AS a ON a.ledger_id = e.ledger_id AND a.id = e.account_id
      GROUP BY 1, 2 ORDER BY 1, 2`;
    const found = await read(totals(files('entries'), files('accounts')));
    expect(found).toHaveLength(3);
    expect(found).toEqual(await select(totals('ledger.entries_2024q1', 'ledger.accounts')));
  });

  it('gives every value to DuckDB alone as it is in PostgreSQL', async () => {
    const rows = (from: string, us: string, json: string) => `
      SELECT ledger_id, ${us.replace('?', 'created_at')} AS created_at, id::text AS id, user_id, status, currency,
             amount::text AS amount, reference_code, description, ${us.replace('?', 'effective_at')} AS effective_at,
             reverses::text AS reverses, settles::text AS settles, ${json} AS metadata, account_ids[1]::text AS first_account
      FROM ${from} ORDER BY ledger_id, id LIMIT 2000`;
    const found = await read(rows(files('transactions'), 'epoch_us(?)::text', 'metadata'));
    const wanted = await select(
      rows('ledger.transactions_2024q1', '(extract(epoch FROM ?) * 1000000)::bigint::text', 'metadata::text'),
    );
    expect(found).toHaveLength(2000);
    expect(found).toEqual(wanted);
  });

  it('has its rows in the order of the key', async () => {
    for (const [table, key] of [
      ['transactions', 'ledger_id, created_at, id'],
      ['entries', 'ledger_id, account_id, created_at, version'],
      ['quarter_balances', 'ledger_id, account_id'],
    ] as const) {
      const [row] = await read(`
        SELECT count(*) FILTER (now <= before)::INT AS falling, count(*)::INT > 1000 AS many
        FROM (SELECT (${key}) AS now, lag((${key})) OVER (ORDER BY file_row_number) AS before
              FROM read_parquet('${place('2024q1', table)}/part-0000.parquet', file_row_number = true))`);
      expect(row, table).toEqual({ falling: 0, many: true });
    }
  });

  it('holds the accounts that are named, the failed ones’ included, and no others', async () => {
    const named = `
      SELECT DISTINCT ledger_id, unnest(account_ids)::text AS id FROM ledger.transactions_2024q1 ORDER BY 1, 2`;
    expect(await read(`SELECT ledger_id, id::text AS id FROM ${files('accounts')} ORDER BY 1, 2`)).toEqual(
      await select(named),
    );
  });

  it('is done once: asked again it does nothing', async () => {
    const before = await readFile(place('2024q1', 'manifest.json'));
    const steps: string[] = [];
    const report = await archiveQuarter(house, { ...run, step: (name) => void steps.push(name) }, '2024q1');
    expect(report).toMatchObject({ archived: false, manifestSha256: sha256(before) });
    expect(steps).toEqual([]);
    expect(await readFile(place('2024q1', 'manifest.json'))).toEqual(before);
  });
});

describe('archiving a quarter', () => {
  it('follows in the chain on the archive before it', async () => {
    const [first, second] = [nextQuarter(), nextQuarter()];
    const hold = house.database.direct
      .updateTable('quartermaster.quarters')
      .set({ hold_reason: 'court order' });
    await hold.where('quarter', '=', second).execute();
    const one = await archiveQuarter(house, run, first);
    // A legal hold keeps the quarter where it is, and a copy of it as well.
    await archiveQuarter(house, run, second);
    const manifest = parseManifest(await readFile(place(second, 'manifest.json')));
    expect(manifest.previous_manifest_sha256).toBe(one.manifestSha256);
  });

  it('is done by one of two that want it at once', async () => {
    const quarter = nextQuarter();
    const both = await Promise.allSettled([
      archiveQuarter(house, run, quarter),
      archiveQuarter(house, run, quarter),
    ]);
    const done = both.filter(({ status }) => status === 'fulfilled');
    const refused = both.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    expect(done.length).toBe(1);
    expect(refused.map((error) => isAppError(error, 'quarter_busy'))).toEqual([true]);
    expect(await standOf(quarter)).toMatchObject({ state: 'archived', archives: 1 });
  });

  it('is refused in another state', async () => {
    const open = house.calendar.next(house.calendar.quarter(small.at(-1) as string)).name;
    await ensureQuarters(house, run, house.calendar.quarter(open).start, house.calendar.quarter(open).start);
    await expect(archiveQuarter(house, run, open)).rejects.toMatchObject({
      kind: 'conflict',
      code: 'quarter_state',
    });
    await expect(archiveQuarter(house, run, '1999q1')).rejects.toMatchObject({ code: 'no_such_quarter' });
  });
});

describe('a quarter stays closed', () => {
  let quarter: string;
  beforeAll(() => {
    quarter = nextQuarter();
  });
  const archive = (store: Store) => archiveQuarter({ ...house, store }, run, quarter);
  const disk = () => openDiskStore(directory);

  afterEach(async () => {
    expect(await standOf(quarter)).toEqual(untouched);
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

  it('when the store forgets a file', async () => {
    const store = disk();
    const forgetful: Store = {
      ...store,
      async put(path, file) {
        const stored = await store.put(path, file);
        if (/accounts/.test(path)) await store.remove(path);
        return stored;
      },
    };
    await expect(archive(forgetful)).rejects.toMatchObject(
      damaged(/accounts\/part-0000\.parquet is missing/),
    );
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

  it('when somebody else’s archive is in its folder', async () => {
    const other = (await readFile(place('2024q1', 'manifest.json'))).toString();
    const foreign = place(quarter, 'manifest.json');
    await writeFile(foreign, other);
    await expect(archive(disk())).rejects.toMatchObject({ kind: 'conflict', code: 'archive_exists' });
    expect((await readFile(foreign)).toString()).toBe(other);
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
          if (name === 'archive.stored transactions/part-0000.parquet') {
            await select(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'
              AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`);
          }
        },
      },
      quarter,
    );
    await expect(losing).rejects.toMatchObject({ kind: 'unavailable' });
    expect(puts).toEqual([`ledger/${quarter}/transactions/part-0000.parquet`]);
  });
});

describe('after all that', () => {
  it('the quarter is archived, and nothing is left of what went wrong', async () => {
    const quarter = small[small.length - quarters.length - 1] as string;
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
