import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';
import { parse } from 'csv-parse/sync';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPence } from '../../examples/council-spending/cells.ts';
import type { CliHouse } from '../../src/cli/house.ts';
import { fixedClock } from '../../src/core/clock.ts';
import { packageRoot } from '../../src/db/root.ts';
import { readTotals } from '../../src/ledger/totals.ts';
import { createEntry } from '../../src/main/entry.ts';
import { readConfig } from '../../src/platform/config.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

const data = join(packageRoot(), '..', 'shared', 'data');
const spending = join(data, 'calderdale.csv.zst');
const GRAND_TOTAL = 265_656_668_874n;
const run = { signal: new AbortController().signal };

/** The collector's own totals in pence, of the months that have any. */
async function monthsOfTheCollector(): Promise<Map<string, bigint>> {
  const text = await readFile(join(data, 'calderdale.months.csv'), 'utf8');
  const rows = parse(text, { columns: true }) as { month: string; total_gbp: string }[];
  expect(rows).toHaveLength(156);
  const months = rows.map(({ month, total_gbp }) => [month, readPence(total_gbp) ?? 0n] as const);
  return new Map(months.filter(([, pence]) => pence !== 0n));
}

describe.runIf(existsSync(spending))('thirteen years of a real council', { timeout: 400_000 }, () => {
  let store: string;
  let test: TestDatabase;
  let house: CliHouse;

  beforeAll(async () => {
    store = await mkdtemp(join(tmpdir(), 'quartermaster-council-'));
    test = await createDatabase({ migrated: false });
    // As if it were the September after the last payment, so that the newest eight quarters are those of the data.
    const clock = fixedClock('2022-09-01T12:00:00Z');
    const entry = createEntry({ version: 'test', clock, signal: run.signal });
    const env = {
      QM_DATABASE_URL: test.url,
      QM_STORE: pathToFileURL(store).href,
      QM_TIMEZONE: 'Europe/London',
    };
    const config = readConfig(env);
    const logger = entry.createLogger('error');
    await entry.migrateUp(config, logger);
    house = await entry.openHouse(config, logger);
  });

  afterAll(async () => {
    await house?.close();
    await test?.drop();
    await rm(store, { recursive: true, force: true });
  });

  it('are loaded to the penny', async () => {
    const zeros = join(store, 'zeros.csv');
    const program = join(packageRoot(), 'examples', 'council-spending', 'map.ts');
    const map = spawn(process.execPath, [program, spending, '--rejects', zeros], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const report = await house.load({
      ledger: 'calderdale',
      createLedger: true,
      source: { stream: map.stdout },
      id: 'calderdale',
      amounts: 'decimal',
      createAccounts: { allowNegative: '*' },
    });
    expect(report).toMatchObject({ booked: 577_868, rejected: 0 });
    expect((await readFile(zeros, 'utf8')).trimEnd().split('\n')).toHaveLength(1 + 46);
    await rm(zeros);

    // What left the council's account, month by month of the council's own clock.
    const { rows } = await sql<{ month: string; pence: bigint }>`
      SELECT to_char(e.created_at AT TIME ZONE 'Europe/London', 'YYYY-MM') AS month, (-sum(e.amount))::bigint AS pence
      FROM ledger.entries AS e JOIN ledger.accounts AS a ON a.ledger_id = e.ledger_id AND a.id = e.account_id
      WHERE a.entity_id = 'council' AND a.group_type = 'BANK'
      GROUP BY month`.execute(house.database.direct);
    expect(new Map(rows.map(({ month, pence }) => [month, pence]))).toEqual(await monthsOfTheCollector());
  });

  it('close, archive and leave the ledger but for the newest eight quarters', async () => {
    await house.runJob('refresh-summaries', {}, run);
    await house.runJob('analyze-partitions', {}, run);
    const due = await house.dueVerbs();
    const archived = due.filter(({ verb }) => verb === 'archive').map(({ quarter }) => quarter);
    expect([archived[0], archived.at(-1), archived.length]).toEqual(['2009q3', '2020q3', 45]);
    for (const { verb, quarter } of due) await house.runJob(verb, { quarter }, run);

    const quarters = await house.database.direct
      .selectFrom('quartermaster.quarters')
      .select(['quarter', 'state'])
      .orderBy('quarter')
      .execute();
    const inState = (state: string) =>
      quarters.filter((row) => row.state === state).map(({ quarter }) => quarter);
    expect(inState('detached')).toEqual(archived);
    expect(inState('closed')).toEqual(['2020q4', '2021q1', '2021q2', '2021q3', '2021q4', '2022q1', '2022q2']);
    expect(inState('open')).toEqual(['2022q3', '2022q4', '2023q1', '2023q2', '2023q3']);
    const { rows } = await sql<{
      oldest: Date;
    }>`SELECT min(created_at) AS oldest FROM ledger.entries`.execute(house.database.direct);
    expect(rows[0]?.oldest.getTime()).toBeGreaterThanOrEqual(
      house.calendar.quarter('2020q4').start.getTime(),
    );
  });

  it('are still there to the penny in the Parquet files, for anybody with DuckDB', async () => {
    const folder = join(store, 'ledger');
    expect(await readdir(folder)).toHaveLength(45);
    const duck = await (await DuckDBInstance.create()).connect();
    const reader = await duck.runAndReadAll(`
      SELECT strftime(timezone('Europe/London', e.created_at), '%Y-%m') AS month, CAST(-sum(e.amount) AS BIGINT) AS pence
      FROM read_parquet('${folder}/*/entries/*.parquet', filename = true) AS e
      JOIN (SELECT DISTINCT ledger_id, id, entity_id, group_type FROM read_parquet('${folder}/*/accounts/*.parquet')) AS a
        ON a.ledger_id = e.ledger_id AND a.id = e.account_id
      WHERE a.entity_id = 'council' AND a.group_type = 'BANK'
      GROUP BY month`);
    const found = new Map(reader.getRowObjects().map((row) => [row.month as string, row.pence as bigint]));
    duck.closeSync();
    const expected = [...(await monthsOfTheCollector())].filter(([month]) => month < '2020-10');
    expect(found).toEqual(new Map(expected));
  });

  it('still add up in the summaries that stay online', async () => {
    const [ledger] = await readTotals(house.database.read);
    expect(ledger?.currencies).toMatchObject([{ currency: 'GBP', transactions: 577_868n, imbalance: 0n }]);
    const { rows } = await sql<{ spent: bigint }>`
      SELECT -b.posted AS spent FROM ledger.balances AS b
      JOIN ledger.accounts AS a ON a.ledger_id = b.ledger_id AND a.id = b.account_id
      WHERE a.entity_id = 'council'`.execute(house.database.direct);
    expect(rows).toEqual([{ spent: GRAND_TOTAL }]);
  });
});
