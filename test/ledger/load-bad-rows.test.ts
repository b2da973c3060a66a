import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAccounts } from '../../src/ledger/account-create.ts';
import { type Book, brokenRules, closeQuarter, openBook } from './fixture.ts';
import { booked, csv, HEADER, loadRow, openLoads, rows } from './load-fixture.ts';

let book: Book;
beforeAll(async () => {
  book = await openBook({ zone: 'Europe/London' });
});
afterAll(() => book.close());
const files = await openLoads(() => book);

describe('a bad row', () => {
  it.each([
    ['created_at', '2026-02-30,a:A,b:B,1,EUR,,,,,', /"2026-02-30" is no date/],
    ['created_at', ',a:A,b:B,1,EUR,,,,,', /is missing/],
    ['created_at', '1970-01-01,a:A,b:B,1,EUR,,,,,', /QM_OLDEST_DATE/],
    ['created_at', '2097-01-01,a:A,b:B,1,EUR,,,,,', /is after now/],
    ['debit_account', '2026-02-03,a,b:B,1,EUR,,,,,', /"a" is not an account/],
    ['credit_account', '2026-02-03,a:A,b:b,1,EUR,,,,,', /"b:b" is not an account/],
    ['credit_account', '2026-02-03,a:A,a:A,1,EUR,,,,,', /cannot pay itself/],
    ['amount', '2026-02-03,a:A,b:B,1.234,EUR,,,,,', /at most 2 decimals/],
    ['amount', '2026-02-03,a:A,b:B,"1,234.00",EUR,,,,,', /"1,234.00" is not an amount/],
    ['amount', '2026-02-03,a:A,b:B,0.00,EUR,,,,,', /above zero/],
    ['amount', '2026-02-03,a:A,b:B,-5,EUR,,,,,', /swap the accounts/],
    ['amount', '2026-02-03,a:A,b:B,92233720368547758.08,EUR,,,,,', /is not an amount/],
    ['currency', '2026-02-03,a:A,b:B,1,eur,,,,,', /"eur" is not a currency/],
    ['user_id', `2026-02-03,a:A,b:B,1,EUR,${'u'.repeat(129)},,,,`, /128/],
    ['status', '2026-02-03,a:A,b:B,1,EUR,,DONE,,,', /neither SUCCESS nor FAILED/],
    ['reference_code', '2026-02-03,a:A,b:B,1,EUR,,,x\ty,,', /U\+0009/],
    ['metadata', '2026-02-03,a:A,b:B,1,EUR,,,,,[1]', /must be a JSON object/],
    ['metadata', '2026-02-03,a:A,b:B,1,EUR,,,,,{', /is not JSON/],
    ['metadata', '2026-02-03,a:A,b:B,1,EUR,,,,,"{""a"":""\\u0000""}"', /U\+0000/],
    [undefined, '2026-02-03,a:A,b:B,1,EUR', /5 cells, but 10 columns/],
  ])('stops the load with its line, its column (%s) and the reason: %s', async (column, row, reason) => {
    const id = `bad ${row}`.replace('\t', ' ');
    const text = csv(['2026-02-03,good-a:CASH,good-b:CASH,1,EUR,,,,,', row, ...rows('never', 1)]);
    const failure = await files.loadText(id.slice(0, 200), text).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      kind: 'invalid',
      code: 'bad_row',
      detail: expect.stringMatching(reason),
    });
    expect((failure as { detail: string }).detail).toContain(
      column === undefined ? 'line 3:' : `line 3, column ${column}:`,
    );
    expect(await loadRow(book, id.slice(0, 200))).toMatchObject({
      state: 'stopped',
      records: 1n,
      booked: 1n,
    });
    expect(await booked(book, 'never-')).toEqual([]);
  });

  it.each([
    ['it is not JSON', '{"created_at":'],
    ['it is not a JSON object', '[1]'],
    ['there is no such column', '{"colour":1}'],
    [
      'in quotes',
      '{"created_at":"2026-02-03","debit_account":"a:A","credit_account":"b:B","amount":1.5,"currency":"EUR"}',
    ],
    [
      'stands beside postings',
      '{"created_at":"2026-02-03","amount":"1","postings":[{"from":"a:A","to":"b:B","amount":"1","currency":"EUR"}]}',
    ],
    ['list of 1 to 100', '{"created_at":"2026-02-03","postings":[]}'],
    [
      'nothing known',
      '{"created_at":"2026-02-03","postings":[{"from":"a:A","to":"b:B","amount":"1","currency":"EUR","x":1}]}',
    ],
    [
      'is no date',
      '{"created_at":"2026-02-03","debit_account":"a:A","credit_account":"b:B","amount":"1","currency":"EUR","effective_at":"soon"}',
    ],
    ['longer than', `{"description":"${'x'.repeat(1024 * 1024)}"}`],
  ])('of NDJSON is told as well: %s', async (reason, line) => {
    const id = `ndjson: ${reason}`;
    await expect(files.loadText(id, `${line}\n`, { format: 'ndjson' })).rejects.toMatchObject({
      code: 'bad_row',
      detail: expect.stringContaining(reason),
    });
  });

  it('is counted by lines of the file, quoted line ends and blank lines included', async () => {
    const text = `${HEADER}\r\n\r\n2026-02-03,l-a:CASH,l-b:CASH,1,EUR,,,,"x\ny\nz",\r\n\n2026-02-03,l-a:CASH,l-b:CASH,x,EUR,,,,,\r\n`;
    await expect(files.loadText('lines', text)).rejects.toMatchObject({
      detail: expect.stringContaining('line 7, column amount'),
    });
  });

  it('mended lets the load go on where it stopped', async () => {
    const lines = rows('mend', 10);
    const broken = [...lines];
    broken[6] = (lines[6] as string).replace('7.25', 'seven');
    await files.write('mend.csv', csv(broken));
    await expect(files.loadFile('mend.csv', { batch: 4 })).rejects.toMatchObject({
      code: 'bad_row',
      detail: expect.stringContaining('mend.csv, line 8'),
    });
    expect(await booked(book, 'mend-')).toHaveLength(6);
    await expect(files.loadFile('mend.csv')).rejects.toMatchObject({ code: 'bad_row' });
    await files.write('mend.csv', csv(lines));
    expect(await files.loadFile('mend.csv')).toMatchObject({ resumedAt: 6, records: 10, booked: 10 });
    expect((await booked(book, 'mend-')).map(({ reference_code }) => reference_code)).toEqual(
      lines.map((_, index) => `mend-${index}`),
    );
  });

  it('can be what the ledger refuses: an unknown account, funds, order, a closed quarter', async () => {
    await createAccounts(book.db, book.ledger.id, [
      { address: 'rule-a:CASH', currency: 'EUR', minBalance: null },
      { address: 'rule-b:CASH', currency: 'EUR', minBalance: 0n },
    ]);
    await book.ensureQuarters(new Date('2024-05-01'), new Date('2024-05-01'));
    await closeQuarter(book, '2024q2');
    const row = (at: string, from: string, to: string, amount: number) =>
      `${at},${from}:CASH,${to}:CASH,${amount},EUR,,,rule-${amount},,`;
    const refused = async (id: string, ...lines: string[]) => {
      const failure = await files
        .loadText(id, csv(lines), { createAccounts: undefined })
        .catch((error: unknown) => error);
      return (failure as { detail: string }).detail;
    };
    expect(await refused('rule 1', row('2026-02-03', 'rule-a', 'ghost', 1))).toMatch(
      /line 2, column credit_account: There is no account ghost:CASH/,
    );
    expect(
      await refused(
        'rule 2',
        row('2026-02-03', 'rule-a', 'rule-b', 5),
        row('2026-02-03', 'rule-b', 'rule-a', 6),
      ),
    ).toMatch(/line 3, column amount: .*500 available/);
    expect(await refused('rule 3', row('2026-02-02', 'rule-a', 'rule-b', 7))).toMatch(
      /line 2, column created_at: The last entry/,
    );
    expect(await refused('rule 4', row('2024-05-05', 'rule-a', 'rule-b', 8))).toMatch(
      /line 2, column created_at: The quarter .* is closed/,
    );
    expect((await booked(book, 'rule-')).map(({ amount }) => amount)).toEqual([500n]);
  });
});

describe('a reject file', () => {
  it('takes the bad rows with line, column and reason, in the order of the file, and the load goes on', async () => {
    const lines = rows('rej', 9);
    lines[1] = (lines[1] as string).replace('2.25', 'two');
    lines[4] = (lines[4] as string).replace('rej-b:WALLET', 'rej-a:CASH');
    lines[7] = 'short,"with ""quotes"", and\na line"';
    await files.write('rej.csv', csv(lines));
    const rejectFile = files.path('rej-out.csv');
    const report = await files.loadFile('rej.csv', { rejectFile, batch: 3 });
    expect(report).toMatchObject({ records: 9, booked: 6, rejected: 3 });
    const text = await readFile(rejectFile, 'utf8');
    expect(text.split('\n').slice(0, 3)).toEqual([
      `line,column,reason,${HEADER}`,
      `3,amount,"""two"" is not an amount of EUR with at most 2 decimals",${lines[1]}`,
      `6,credit_account,rej-a:CASH cannot pay itself.,${lines[4]}`,
    ]);
    expect(text).toContain('9,,"there are 2 cells, but 10 columns",short,"with ""quotes"", and\na line"\n');
    expect(await loadRow(book, 'rej.csv')).toMatchObject({
      rejected: 3n,
      reject_bytes: BigInt(Buffer.byteLength(text)),
    });
  });

  it('of NDJSON holds the line as it was', async () => {
    const rejectFile = files.path('rej-out.ndjson');
    const report = await files.loadText('rej ndjson', '{"a":1}\n\nnonsense\n', {
      format: 'ndjson',
      rejectFile,
    });
    expect(report).toMatchObject({ records: 2, booked: 0, rejected: 2 });
    const lines = (await readFile(rejectFile, 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
      { line: 1, column: 'a', reason: 'there is no such column', record: '{"a":1}' },
      { line: 3, reason: expect.stringContaining('not JSON'), record: 'nonsense' },
    ]);
  });

  it('mended is a load of its own, with its own columns passed over', async () => {
    const lines = rows('again', 4);
    lines[2] = (lines[2] as string).replace('3.25', 'three');
    lines[3] = (lines[3] as string).replace('4.25', 'four');
    const rejectFile = files.path('again-rejects.csv');
    await files.loadText('again', csv(lines), { rejectFile });
    const mended = (await readFile(rejectFile, 'utf8')).replace(/,three,/, ',3.25,');
    await files.write('again-2.csv', mended);
    const second = files.path('again-rejects-2.csv');
    expect(await files.loadFile('again-2.csv', { rejectFile: second })).toMatchObject({
      booked: 1,
      rejected: 1,
    });
    // They do not pile up in front of the record.
    expect((await readFile(second, 'utf8')).split('\n').slice(0, 2)).toEqual([
      `line,column,reason,${HEADER}`,
      `3,amount,"""four"" is not an amount of EUR with at most 2 decimals",${lines[3]}`,
    ]);
    expect((await booked(book, 'again-')).map(({ reference_code }) => reference_code)).toEqual([
      'again-0',
      'again-1',
      'again-2',
    ]);
  });

  it('of NDJSON mended is a load of its own too', async () => {
    const line = (amount: string) =>
      JSON.stringify({
        created_at: '2026-02-04',
        debit_account: 'nd-a:CASH',
        credit_account: 'nd-b:CASH',
        amount,
        currency: 'EUR',
        reference_code: 'nd-again',
      });
    const rejectFile = files.path('nd-rejects.ndjson');
    await files.loadText('nd', `${line('one')}\n{"a":1}\n`, { format: 'ndjson', rejectFile });
    const mended = (await readFile(rejectFile, 'utf8')).replaceAll('\\"one\\"', '\\"1.00\\"');
    const second = files.path('nd-rejects-2.ndjson');
    expect(await files.loadText('nd 2', mended, { format: 'ndjson', rejectFile: second })).toMatchObject({
      booked: 1,
      rejected: 1,
    });
    expect(JSON.parse(await readFile(second, 'utf8'))).toEqual({
      line: 2,
      column: 'a',
      reason: 'there is no such column',
      record: '{"a":1}',
    });
    expect(await booked(book, 'nd-again')).toHaveLength(1);
  });

  it('of somebody else is not touched', async () => {
    const rejectFile = await files.write('precious.csv', 'mine');
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(
        files.loadText('precious', csv(rows('precious', 1)), { rejectFile }),
      ).rejects.toMatchObject({ code: 'reject_file_exists' });
    }
    expect(await readFile(rejectFile, 'utf8')).toBe('mine');
    await expect(
      files.loadText('precious', csv(rows('precious', 1)), { rejectFile: files.path('no/such/dir') }),
    ).rejects.toMatchObject({
      code: 'reject_file_unwritable',
    });
  });

  it('ends where the progress says, whatever a killed run left behind it', async () => {
    const rejectFile = files.path('tail.csv');
    const good = [...rows('tail', 2), 'bad', ...rows('tail-more', 1)];
    const broken = csv([...good, '"']);
    await expect(files.loadText('tail', broken, { rejectFile, batch: 1 })).rejects.toMatchObject({
      code: 'bad_csv',
    });
    const committed = await readFile(rejectFile, 'utf8');
    await files.write('tail.csv', `${committed}9,amount,never committed\n`);
    expect(await files.loadText('tail', csv(good), { rejectFile })).toMatchObject({ booked: 3, rejected: 1 });
    expect(await readFile(rejectFile, 'utf8')).toBe(committed);
  });

  it('that lost what it held is missed', async () => {
    const rejectFile = files.path('lost.csv');
    const text = csv([...rows('lost', 2), 'bad', ...rows('lost-more', 1), '"']);
    await expect(files.loadText('lost', text, { rejectFile, batch: 1 })).rejects.toMatchObject({
      code: 'bad_csv',
    });
    await files.write('lost.csv', '');
    await expect(files.loadText('lost', text, { rejectFile })).rejects.toMatchObject({
      code: 'reject_file_differs',
    });
  });
});

it('whatever was loaded, every rule of the ledger holds', async () => {
  expect(await brokenRules(book.db)).toEqual([]);
});
