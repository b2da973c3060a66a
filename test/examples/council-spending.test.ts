import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPence } from '../../examples/council-spending/cells.ts';
import { systemClock } from '../../src/core/clock.ts';
import { load } from '../../src/ledger/load.ts';
import { openBook } from '../ledger/fixture.ts';
import { houseOf } from '../ledger/load-fixture.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const MAP = join(root, 'examples/council-spending/map.ts');
const data = join(root, '../shared/data');

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'council-test-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** Runs the program on a file of this content. */
async function map(content: string | Buffer, ...options: string[]) {
  const file = join(directory, `spending.csv${Buffer.isBuffer(content) && content[0] === 0x1f ? '.gz' : ''}`);
  await writeFile(file, content);
  const run = promisify(execFile)(process.execPath, [MAP, file, ...options]);
  return run.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
      code,
      stdout,
      stderr,
    }),
  );
}
const rowsOf = (stdout: string) => parse(stdout, { columns: true }) as Record<string, string>[];

describe('the program', () => {
  it('sorts, swaps the sides of credits, and puts zero amounts aside', async () => {
    const rejects = join(directory, 'zeros.csv');
    const { code, stdout, stderr } = await map(
      [
        'date,transaction_no,amount,supplier_id,supplier,unit,expense_type',
        '2019-04-02,7,10.00,S1,One,Parks,"Trees\r\nand shrubs"',
        '2019-04-01,5,0.00,S1,One,Parks,Nothing',
        '2019-03-31,,-2.50,,Two & Co,,',
        '2019-04-01,6,1.00,S1,One,Parks,first',
        '2019-04-01,6,1.00,S1,One,Parks,first',
        '2019-04-01,5,3.00,S1,One,Parks,second',
        '',
      ].join('\n'),
      '--rejects',
      rejects,
      '--council',
      'Testham',
    );
    expect(code).toBe(0);
    expect(stderr).toContain('6 lines: 5 transactions (1 of them credits), 1 zero amounts and 0 unreadable');
    expect(rowsOf(stdout)).toEqual([
      {
        created_at: '2019-03-31',
        debit_account: 'name-two-co:SUPPLIER',
        credit_account: 'Testham:BANK',
        amount: '2.50',
        currency: 'GBP',
        user_id: 'name-two-co',
        reference_code: '',
        description: '',
        metadata: '{"supplier":"Two & Co"}',
      },
      ...['first', 'first', 'second'].map((description, index) => ({
        created_at: '2019-04-01',
        debit_account: 'Testham:BANK',
        credit_account: 'S1:SUPPLIER',
        amount: index === 2 ? '3.00' : '1.00',
        currency: 'GBP',
        user_id: 'S1',
        reference_code: index === 2 ? '5' : '6',
        description,
        metadata: '{"supplier":"One","unit":"Parks"}',
      })),
      expect.objectContaining({ created_at: '2019-04-02', description: 'Trees and shrubs' }),
    ]);
    expect(await readFile(rejects, 'utf8')).toBe(
      'line,reason,date,transaction_no,amount,supplier_id,supplier,unit,expense_type\n4,a zero amount is no transaction,2019-04-01,5,0.00,S1,One,Parks,Nothing\n',
    );
  });

  it("takes another council's file as it is: a title, a BOM, CRLF, gzip, Windows-1252, other names and forms", async () => {
    const text = [
      'Payments over £500,,,,',
      '',
      'Payment Date,Beneficiary,"Net Amount (£)",Purpose of Spend,Directorate',
      '31/03/2019,"Smith, Sons & Co","£1,234.50",Roofs,Housing',
      '01-Apr-19,Café Roma,"(1,000.00)",Refund,',
      ',,,,',
    ].join('\r\n');
    for (const content of [Buffer.from(`\uFEFF${text}`), Buffer.from(text, 'latin1'), gzipSync(text)]) {
      const { code, stdout, stderr } = await map(content);
      expect({ code, stderr: stderr.split('\n')[0] }).toEqual({
        code: 0,
        stderr: expect.stringContaining('2 lines: 2 transactions (1'),
      });
      expect(rowsOf(stdout)).toMatchObject([
        {
          created_at: '2019-03-31',
          credit_account: 'name-smith-sons-co:SUPPLIER',
          amount: '1234.50',
          metadata: '{"Beneficiary":"Smith, Sons & Co","Directorate":"Housing"}',
        },
        {
          created_at: '2019-04-01',
          debit_account: 'name-cafe-roma:SUPPLIER',
          amount: '1000.00',
          metadata: '{"Beneficiary":"Café Roma"}',
        },
      ]);
    }
  });

  it('writes nothing when lines cannot be read, unless they are to be put aside', async () => {
    const text = 'Date,Supplier,Amount\n31/03/2019,One,1.00\n,Total,1.00\n01/04/2019,"Two",1.00,2.00\n';
    const strict = await map(text);
    expect(strict).toMatchObject({ code: 65, stdout: '' });
    expect(strict.stderr).toMatch(
      /line 3: "" is no date\nline 4: there are more cells than columns\n2 of 3 lines/,
    );
    const rejects = join(directory, 'aside.csv');
    const lenient = await map(text, '--rejects', rejects);
    expect(lenient.code).toBe(0);
    expect(rowsOf(lenient.stdout)).toHaveLength(1);
    expect(await readFile(rejects, 'utf8')).toContain('3,"""""');
  });

  it('says which columns it looked for when it finds none', async () => {
    const { code, stdout, stderr } = await map('Wann,Wer,Was\n1,2,3\n');
    expect({ code, stdout }).toEqual({ code: 65, stdout: '' });
    expect(stderr).toMatch(/No header .*\n {2}Wann \| Wer \| Was\n[\s\S]*--columns/);
  });
});

describe.runIf(existsSync(join(data, 'calderdale.csv.zst')))('thirteen years of a real council', () => {
  it('are loaded to the penny', { timeout: 300_000 }, async () => {
    const book = await openBook({ zone: 'Europe/London' });
    const zeros = join(directory, 'calderdale-zeros.csv');
    const child = spawn(process.execPath, [MAP, join(data, 'calderdale.csv.zst'), '--rejects', zeros], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    try {
      let said = '';
      child.stderr.on('data', (chunk) => {
        said += chunk;
      });
      const report = await load(houseOf(book, { clock: systemClock }), {
        ledger: 'main',
        source: { stream: child.stdout },
        id: 'calderdale',
        amounts: 'decimal',
        createAccounts: { allowNegative: '*' },
      });
      expect(said).toContain(
        '577914 lines: 577868 transactions (2492 of them credits), 46 zero amounts and 0 unreadable',
      );
      expect(report).toMatchObject({ records: 577_868, booked: 577_868, rejected: 0 });
      expect((await readFile(zeros, 'utf8')).trimEnd().split('\n')).toHaveLength(1 + 46);

      // What left the council's account, month by month of the council's own clock.
      const { rows } = await sql<{ month: string; pence: bigint }>`
        SELECT to_char(e.created_at AT TIME ZONE 'Europe/London', 'YYYY-MM') AS month, (-sum(e.amount))::bigint AS pence
        FROM ledger.entries AS e JOIN ledger.accounts AS a ON a.ledger_id = e.ledger_id AND a.id = e.account_id
        WHERE e.ledger_id = ${book.ledger.id} AND a.entity_id = 'council' AND a.group_type = 'BANK'
        GROUP BY 1`.execute(book.db);
      const found = new Map(rows.map(({ month, pence }) => [month, pence]));
      const months = parse(await readFile(join(data, 'calderdale.months.csv'), 'utf8'), {
        columns: true,
      }) as { month: string; total_gbp: string }[];
      expect(months).toHaveLength(156);
      for (const { month, total_gbp } of months)
        expect([month, found.get(month) ?? 0n]).toEqual([month, readPence(total_gbp)]);
      const { rows: totals } = await sql<Record<string, bigint>>`
        SELECT (SELECT count(*) FROM ledger.transactions) AS transactions,
               (SELECT sum(amount)::bigint FROM ledger.entries) AS imbalance,
               (SELECT posted FROM ledger.balances AS b JOIN ledger.accounts AS a ON a.id = b.account_id
                WHERE a.group_type = 'BANK') AS bank,
               (SELECT count(*) FROM quartermaster.quarters) AS quarters`.execute(book.db);
      expect(totals).toEqual([
        { transactions: 577_868n, imbalance: 0n, bank: -265_656_668_874n, quarters: 50n },
      ]);
    } finally {
      child.kill();
      await book.close();
    }
  });
});
