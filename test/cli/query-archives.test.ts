import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArchiveAnswer } from '../../src/archive/query.ts';
import { EXIT_USAGE, exitCodes } from '../../src/cli/exit-codes.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createEntry } from '../../src/main/entry.ts';
import { readConfig } from '../../src/platform/config.ts';
import { archiveQuarter } from '../../src/quarters/archive.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import {
  bookNastyPayments,
  run as by,
  closeQuarters,
  openArchiveHouse,
} from '../quarters/archive-fixture.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let home: TestDatabase;
let directory: string;
let house: QuarterHouse;
const archived = ['2024q1', '2024q2', '2024q3'];

beforeAll(async () => {
  home = await createDatabase();
  directory = await mkdtemp(join(tmpdir(), 'test-query-'));
  house = openArchiveHouse(home.url, directory);
  const quarters = [...archived, '2024q4'].map((quarter) => ({ quarter, transactions: 300 }));
  await bookNastyPayments(house, quarters);
  await closeQuarters(house, archived);
  for (const quarter of archived) await archiveQuarter(house, by, quarter);
});

afterAll(async () => {
  await house?.database.close();
  await home?.drop();
  await rm(directory, { recursive: true, force: true });
});

/** Runs `quartermaster query` in this process; without settings it must not ask for any. */
async function run(args: string[], settings: 'settings' | 'none' = 'settings') {
  const out = new PassThrough();
  const err = new PassThrough();
  const entry = createEntry({
    version: '1.2.3',
    clock: systemClock,
    signal: new AbortController().signal,
  });
  const env = { QM_DATABASE_URL: home.url, QM_STORE: pathToFileURL(directory).href };
  const read = () => {
    if (settings === 'none') throw new Error('there are no settings');
    return readConfig(env);
  };
  const kit = { entry: { ...entry, readConfig: read }, out, err };
  const code = await runCommandLine(kit, ['query', ...args]);
  return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') };
}

async function ask(sql: string, ...options: string[]): Promise<ArchiveAnswer> {
  const { code, out, err } = await run([sql, '--json', ...options]);
  expect([code, err]).toEqual([0, '']);
  return JSON.parse(out);
}

const codeOf = (err: string) => JSON.parse(err).error.code;
const folder = (quarter: string) => join(directory, 'ledger', quarter);

describe('quartermaster query --quarters', () => {
  it('has the answers of the database, to the same question', async () => {
    for (const sql of [
      "SELECT ledger_id, currency, status, count(*) AS n, sum(amount) AS total FROM ledger.transactions WHERE created_at < '2024-10-01' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
      "SELECT ledger_id, account_id, version, created_at, amount, balance_after FROM ledger.entries WHERE created_at < '2024-10-01' ORDER BY 1, 2, 3 LIMIT 200",
      "SELECT id, created_at, user_id, reference_code, description, effective_at, account_ids, settles FROM ledger.transactions WHERE created_at < '2024-10-01' ORDER BY created_at, id LIMIT 200",
      'SELECT quarter, account_id, opening, debits, credits, closing FROM ledger.quarter_balances WHERE ledger_id = 2 ORDER BY 1, 2 LIMIT 100',
      "SELECT metadata->>'text' AS text, count(*) AS n FROM ledger.transactions WHERE created_at < '2024-10-01' GROUP BY 1 ORDER BY 2, 1",
    ]) {
      const online = await ask(sql);
      const found = await ask(sql, '--quarters', '2024q1..2024q3');
      expect(found.rows).toEqual(online.rows);
      expect(found.rows.length).toBeGreaterThan(1);
      const types = (columns: ArchiveAnswer['columns']) =>
        columns.map(({ name, type }) => `${name} ${type.replace('uuid', 'text').replace('(3)', '')}`);
      expect(types(found.columns)).toEqual(types(online.columns));
    }
  });

  it('reads the quarters it is told, alone, in a row, or some of them', async () => {
    const sql = 'SELECT count(*) AS n FROM transactions';
    expect(await ask(sql, '--quarters', '2024q2')).toMatchObject({ rows: [['300']], quarters: ['2024q2'] });
    expect(await ask(sql, '--quarters', '2024q1..2024q3')).toMatchObject({ rows: [['900']] });
    const some = await ask(sql, '--quarters', '2024q3,2024q1,2024q1..2024q1');
    expect(some).toMatchObject({ rows: [['600']], quarters: ['2024q1', '2024q3'] });
  });

  it('prints a table, and on the other stream which archives it is from', async () => {
    const sql = "SELECT quarter, 'a\nb' AS t FROM currencies WHERE code = 'EUR' ORDER BY 1";
    const { code, out, err } = await run([sql, '--quarters', '2024q1..2024q2', '--max-rows', '1']);
    expect([code, out]).toEqual([0, 'quarter  t\n2024q1   a\\nb\n']);
    expect(err).toBe('The first 1 row; there are more. From the archives of 2024q1, 2024q2.\n');
  });

  it('names every quarter that has no archive, and what to do', async () => {
    const { code, err } = await run(['SELECT 1', '--quarters', '2024q2..2024q4', '--json']);
    expect([code, JSON.parse(err).error]).toEqual([
      exitCodes.conflict,
      {
        kind: 'conflict',
        code: 'not_archived',
        detail: expect.stringMatching(/^2024q4 \(open\) has no archive: .*without --quarters/),
      },
    ]);
    const unknown = await run(['SELECT 1', '--quarters', '2019q4..2024q1', '--json']);
    expect([unknown.code, codeOf(unknown.err)]).toEqual([exitCodes.not_found, 'no_such_quarter']);
  });

  it.each([
    ['2024q5', exitCodes.invalid, 'invalid_quarter'],
    ['2024q2..2024q1', exitCodes.invalid, 'invalid_quarter'],
    ['2024q1..2024q2..2024q3', exitCodes.invalid, 'invalid_quarter'],
    ['2024q1,,2024q2', exitCodes.invalid, 'invalid_quarter'],
    ['', exitCodes.invalid, 'invalid_quarter'],
    ['1970q1..2200q4', exitCodes.refused, 'too_many_quarters'],
  ])('refuses %j for quarters', async (quarters, exit, code) => {
    const { code: ended, err } = await run(['SELECT 1', '--quarters', quarters, '--json']);
    expect([ended, codeOf(err)]).toEqual([exit, code]);
  });

  it('refuses what changes or reads anything else, and ends what takes too long', async () => {
    const quarters = ['--quarters', '2024q1', '--json'];
    for (const sql of ['DELETE FROM ledger.entries', "FROM read_text('/etc/passwd')", 'SELECT 1; SELECT 2']) {
      const { code, err } = await run([sql, ...quarters]);
      expect([code, codeOf(err)]).toEqual([exitCodes.invalid, 'query_refused']);
    }
    const slow = 'SELECT sum(a.range * b.range) FROM range(10000000) AS a, range(10000000) AS b';
    const { code, err } = await run([slow, ...quarters, '--timeout', '1']);
    expect([code, codeOf(err)]).toEqual([exitCodes.busy, 'statement_canceled']);
  });

  it('does not believe an archive whose manifest is not the one that was recorded', async () => {
    const file = join(folder('2024q3'), 'manifest.json');
    const written = await readFile(file, 'utf8');
    // Whoever changes rows has to change the manifest, too.
    await writeFile(file, written.replace('"by": "ada"', '"by": "eve"'));
    try {
      const { code, err } = await run(['TABLE currencies', '--quarters', '2024q1..2024q3', '--json']);
      expect([code, codeOf(err)]).toEqual([exitCodes.corrupt, 'archive_damaged']);
      expect((await ask('TABLE currencies', '--quarters', '2024q1..2024q2')).rows.length).toBeGreaterThan(0);
    } finally {
      await writeFile(file, written);
    }
  });
});

describe('quartermaster query --archive', () => {
  it('asks directories, with no database and no settings', async () => {
    const sql =
      'SELECT count(*) AS n, count(DISTINCT a.quarter) AS quarters FROM entries AS e, accounts AS a WHERE a.ledger_id = e.ledger_id AND a.id = e.account_id';
    const { rows } = await ask(sql, '--quarters', '2024q1,2024q2');
    const copy = join(directory, 'a copy of q1');
    await cp(folder('2024q1'), copy, { recursive: true });
    for (const directories of [
      ['--archive', `${copy},${folder('2024q2')}`],
      ['--archive', copy, '--archive', folder('2024q2')],
    ]) {
      const { code, out, err } = await run([sql, '--json', ...directories], 'none');
      expect([code, err]).toEqual([0, '']);
      expect(JSON.parse(out).rows).toEqual(rows);
    }
    const told = await run(['SELECT 1 AS n', '--archive', copy], 'none');
    expect(told).toEqual({ code: 0, out: 'n\n1\n', err: '1 row. From the archive of 2024q1.\n' });
  });

  it('refuses the same quarter twice, a directory that is no archive, and files that are not those', async () => {
    const copy = join(directory, 'another copy');
    await cp(folder('2024q1'), copy, { recursive: true });
    const failing = async (...args: string[]) => {
      const { code, err } = await run(['TABLE accounts', '--json', ...args], 'none');
      return [code, codeOf(err)];
    };
    expect(await failing('--archive', `${copy},${folder('2024q1')}`)).toEqual([
      exitCodes.invalid,
      'bad_option',
    ]);
    expect(await failing('--archive', copy, '--quarters', '2024q1')).toEqual([
      exitCodes.invalid,
      'bad_option',
    ]);
    expect(await failing('--archive', directory)).toEqual([exitCodes.not_found, 'not_in_store']);
    const file = join(copy, 'accounts/part-0000.parquet');
    await writeFile(file, (await readFile(file)).subarray(1));
    expect(await failing('--archive', copy)).toEqual([exitCodes.corrupt, 'archive_damaged']);
    expect((await run(['SELECT 1', '--archive', `${copy},`], 'none')).code).toBe(EXIT_USAGE);
  });
});
