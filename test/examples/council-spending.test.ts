import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const MAP = join(root, 'examples/council-spending/map.ts');

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
