import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyChain } from '../../src/archive/chain.ts';
import { parseManifest, sha256 } from '../../src/archive/manifest.ts';
import { isAppError } from '../../src/core/errors.ts';
import { archiveQuarter } from '../../src/quarters/archive.ts';
import type { Progress, QuarterHouse } from '../../src/quarters/context.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { readQuarter } from '../../src/quarters/registry.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { bookNastyPayments, closeQuarters, openArchiveHouse, run } from './archive-fixture.ts';

let home: TestDatabase;
let directory: string;
let house: QuarterHouse;
const small = ['2024q2', '2024q3', '2024q4'] as const;

beforeAll(async () => {
  home = await createDatabase({ zone: 'Asia/Kathmandu' });
  directory = await mkdtemp(join(tmpdir(), 'test-archive-'));
  house = openArchiveHouse(home.url, directory, { zone: 'Asia/Kathmandu' });
  const payments = [{ quarter: '2024q1', transactions: 40_000 }];
  await bookNastyPayments(house, [...payments, ...small.map((quarter) => ({ quarter, transactions: 90 }))]);
  await closeQuarters(house, ['2024q1', ...small]);
});

afterAll(async () => {
  await house?.database.close();
  await home?.drop();
  await rm(directory, { recursive: true, force: true });
});

const place = (quarter: string, path: string) => join(directory, 'ledger', quarter, path);
const standOf = async (quarter: string) => {
  const { state, archived_at, verified_at } = await readQuarter(house.database.direct, quarter);
  const archives = await house.database.direct
    .selectFrom('quartermaster.archives')
    .select('manifest_sha256')
    .where('quarter', '=', quarter)
    .execute();
  return { state, archived_at, verified_at, archives: archives.length };
};

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
    const progress: Progress[] = [];
    const report = await archiveQuarter(
      house,
      { ...run, onProgress: (step) => progress.push(step) },
      '2024q1',
    );
    expect(report).toMatchObject({ quarter: '2024q1', archived: true });
    expect(report.rows).toBeGreaterThan(120_000n);
    const row = await readQuarter(house.database.direct, '2024q1');
    const total = Number(row.transactions) + Number(row.entries);
    expect(progress[0]).toEqual({ what: 'copy 2024q1, in rows', done: 0, total, bytes: 0 });
    expect(progress.at(-1)).toMatchObject({ done: total, total, bytes: Number(report.bytes) });
    const rising = progress.every(({ done, bytes = 0 }, i) => {
      const before = progress[i - 1];
      return before === undefined || (done >= before.done && bytes >= (before.bytes ?? 0));
    });
    expect(rising).toBe(true);
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
      archived: { by: 'ada', reason: 'year-end', requested_by: null, approved_by: null },
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
      files.map(({ first_key: _, last_key: __, ...file }) => ({
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

  it('has statistics by which a lookup reads next to nothing', async () => {
    const file = place('2024q1', 'entries/part-0000.parquet');
    const groups = await read(`
      SELECT path_in_schema AS name, count(*)::INT > 3 AS many, count(stats_min_value)::INT = count(*) AS known,
             count(stats_max_value)::INT = count(*) AS closed
      FROM parquet_metadata('${file}') WHERE path_in_schema IN ('ledger_id', 'account_id', 'created_at', 'version')
      GROUP BY 1 ORDER BY 1`);
    expect(groups).toEqual(
      ['account_id', 'created_at', 'ledger_id', 'version'].map((name) => ({
        name,
        many: true,
        known: true,
        closed: true,
      })),
    );
    const [{ ledger_id, account_id }] = (await read(
      `SELECT ledger_id, account_id::VARCHAR AS account_id FROM '${file}' LIMIT 1 OFFSET 50000`,
    )) as [{ ledger_id: number; account_id: string }];
    const [plan] = (await read(`EXPLAIN (ANALYZE, FORMAT json)
      SELECT * FROM '${file}' WHERE ledger_id = ${ledger_id} AND account_id = ${account_id}`)) as [
      { explain_value: string },
    ];
    const { total_bytes_read } = JSON.parse(plan.explain_value) as { total_bytes_read: number };
    const { size } = await stat(file);
    expect(total_bytes_read).toBeGreaterThan(0);
    expect(total_bytes_read / size).toBeLessThan(0.4);
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
  it('makes a chain with the others, though two are archived at the same time, and a hold is no hindrance', async () => {
    const [first, second] = small;
    const hold = house.database.direct
      .updateTable('quartermaster.quarters')
      .set({ hold_reason: 'court order' });
    await hold.where('quarter', '=', second).execute();
    const archived = await Promise.all([first, second].map((quarter) => archiveQuarter(house, run, quarter)));
    const { quarters, head } = await verifyChain(house.store, 'ledger');
    expect(quarters[0]).toBe('2024q1');
    expect(quarters.slice(1).sort()).toEqual([first, second]);
    expect(archived.map(({ manifestSha256 }) => manifestSha256)).toContain(head);
  });

  it('is done by one of two that want it at once', async () => {
    const quarter = small[2];
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
    const open = house.calendar.next(house.calendar.quarter(small[2])).name;
    await ensureQuarters(house, run, house.calendar.quarter(open).start, house.calendar.quarter(open).start);
    await expect(archiveQuarter(house, run, open)).rejects.toMatchObject({
      kind: 'conflict',
      code: 'quarter_state',
    });
    await expect(archiveQuarter(house, run, '1999q1')).rejects.toMatchObject({ code: 'no_such_quarter' });
  });
});
