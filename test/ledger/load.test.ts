import { readFile } from 'node:fs/promises';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAccounts } from '../../src/ledger/accounts.ts';
import { type Book, brokenRules, closeQuarter, openBook } from './fixture.ts';
import { booked, HEADER, loadRow, openLoads } from './load-fixture.ts';

let book: Book;
beforeAll(async () => {
  book = await openBook({ zone: 'Europe/London' });
});
afterAll(() => book.close());
const files = await openLoads(() => book);

/** Rows of one minute each, whose references begin with `prefix`. */
function rows(prefix: string, count: number, start = '2026-01-05T00:00:00Z'): string[] {
  return Array.from({ length: count }, (_, index) => {
    const at = new Date(Date.parse(start) + index * 60_000).toISOString();
    return `${at},${prefix}-a:CASH,${prefix}-b:WALLET,${index + 1}.25,EUR,user-${index % 3},,${prefix}-${index},,`;
  });
}
const csv = (lines: string[]) => `${[HEADER, ...lines].join('\n')}\n`;

describe('a row', () => {
  it('moves money from its debit account to its credit account, with all it carries', async () => {
    const report = await files.loadText(
      'one',
      csv([
        '2026-02-03,one-a:CASH,one-b:WALLET,12.34,EUR,ann,SUCCESS,one-1,"a ""b"",\n2nd line","{""x"":[1,""é""]}"',
      ]),
    );
    expect(report).toEqual({
      ledger: 'main',
      id: 'one',
      alreadyLoaded: false,
      resumedAt: 0,
      records: 1,
      booked: 1,
      rejected: 0,
      accountsCreated: 2,
    });
    expect(await booked(book, 'one-')).toEqual([
      {
        reference_code: 'one-1',
        created_at: new Date('2026-02-03T00:00:00Z'),
        amount: 1234n,
        currency: 'EUR',
        status: 'SUCCESS',
        user_id: 'ann',
        description: 'a "b",\n2nd line',
        metadata: { x: [1, 'é'] },
      },
    ]);
    const { rows: entries } = await sql`
      SELECT a.entity_id, e.amount FROM ledger.entries e JOIN ledger.accounts a ON a.id = e.account_id
      WHERE a.entity_id LIKE 'one-%' ORDER BY a.entity_id`.execute(book.db);
    expect(entries).toEqual([
      { entity_id: 'one-a', amount: -1234n },
      { entity_id: 'one-b', amount: 1234n },
    ]);
  });

  it('with a date alone is of the first moment of that day in the zone of the ledger', async () => {
    await files.loadText('summer', `${HEADER}\n2025-07-01,s-a:CASH,s-b:CASH,1,EUR,,,summer-1,,\n`);
    expect((await booked(book, 'summer-'))[0]?.created_at).toEqual(new Date('2025-06-30T23:00:00Z'));
  });

  it('may be recorded as FAILED, and then moves nothing', async () => {
    const report = await files.loadText(
      'failed',
      csv(['2026-02-03,f-a:CASH,f-b:CASH,5,EUR,,FAILED,failed-1,,']),
    );
    expect(report.booked).toBe(1);
    expect((await booked(book, 'failed-'))[0]?.status).toBe('FAILED');
    const { rows: moved } =
      await sql`SELECT FROM ledger.balances b JOIN ledger.accounts a ON a.id = b.account_id
      WHERE a.entity_id LIKE 'f-%' AND b.version > 0`.execute(book.db);
    expect(moved).toEqual([]);
  });
});

describe('a file', () => {
  it('is read plain, gzipped or as Zstandard, whatever its name says, with columns in any order, CRLF and a BOM', async () => {
    const lines = ['\uFEFFamount,currency,reference_code,credit_account,debit_account,created_at'];
    for (let index = 0; index < 3000; index++) {
      lines.push(
        `${index + 1}.00,EUR,plain-${index},x-b:CASH,"x-a:CASH",2026-01-0${1 + (index % 3 === 2 ? 3 : 3)}`,
      );
    }
    const text = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
    await files.write('plain.csv', text);
    await files.write('packed.csv.gz', gzipSync(text));
    await files.write('packed.csv', zstdCompressSync(text));
    expect((await files.loadFile('plain.csv', { batch: 700 })).booked).toBe(3000);
    expect(await booked(book, 'plain-')).toHaveLength(3000);
    // The same records under another name, packed: the bytes differ, so they are a load of their own.
    for (const name of ['packed.csv.gz', 'packed.csv']) {
      expect((await files.loadFile(name, { batch: 700 })).booked).toBe(3000);
    }
    expect(await booked(book, 'plain-')).toHaveLength(9000);
    // Under the same name they are what was loaded.
    const again = await files.loadFile('packed.csv.gz', { id: 'plain.csv' });
    expect(again).toMatchObject({ id: 'plain.csv', alreadyLoaded: true, booked: 3000 });
    expect(await booked(book, 'plain-')).toHaveLength(9000);
  });

  it('may hold NDJSON with several postings, and whole minor units', async () => {
    const records = [
      {
        created_at: '2026-03-01T10:00:00+01:00',
        debit_account: 'j-a:CASH',
        credit_account: 'j-b:CASH',
        amount: 150,
        currency: 'JPY',
        reference_code: 'json-1',
        metadata: { a: 1 },
      },
      {
        created_at: '2026-03-01T10:00:00+01:00',
        reference_code: 'json-2',
        description: null,
        postings: [
          { from: 'j-a:CASH', to: 'j-b:CASH', amount: '9007199254740993', currency: 'JPY' },
          { from: 'j-b:CASH', to: 'j-c:FEES', amount: 7, currency: 'JPY' },
        ],
      },
    ];
    await files.write(
      'events.ndjson',
      `\uFEFF${records.map((record) => JSON.stringify(record)).join('\r\n\n')}`,
    );
    expect(await files.loadFile('events.ndjson', { amounts: 'minor' })).toMatchObject({
      records: 2,
      booked: 2,
      accountsCreated: 3,
    });
    expect((await booked(book, 'json-')).map(({ amount, metadata }) => [amount, metadata])).toEqual([
      [150n, { a: 1 }],
      [9007199254741000n, null],
    ]);
  });

  it('that is empty, or holds a header alone, is loaded and done', async () => {
    expect(await files.loadText('empty', `${HEADER}\n`)).toMatchObject({
      alreadyLoaded: false,
      records: 0,
      booked: 0,
    });
    expect((await loadRow(book, 'empty')).state).toBe('done');
    expect(await files.loadText('empty', `${HEADER}\n`)).toMatchObject({ alreadyLoaded: true });
    expect(await files.loadText('void', '', { format: 'ndjson' })).toMatchObject({ records: 0 });
  });

  it.each([
    ['no columns', '', /missing columns: created_at/],
    ['an unknown column', `${HEADER},colour\n`, /unknown columns: "colour"/],
    ['a missing column', 'created_at,debit_account,credit_account,currency\n', /missing columns: amount/],
    ['a repeated column', `${HEADER},amount\n`, /repeated columns: amount/],
    ['semicolons', `${HEADER.replaceAll(',', ';')}\n`, /unknown columns: "created_at;debit_account/],
  ])('with %s in its header is refused', async (name, text, message) => {
    await expect(files.loadText(`header of ${name}`, text)).rejects.toMatchObject({
      kind: 'invalid',
      code: 'bad_header',
      detail: expect.stringMatching(message),
    });
  });

  it('that cannot be read says so', async () => {
    await expect(files.loadFile('nowhere.csv')).rejects.toMatchObject({
      code: 'source_unreadable',
      detail: expect.stringContaining('nowhere.csv'),
    });
    await expect(files.loadText('x', '', { ledger: 'nobody' })).rejects.toMatchObject({
      code: 'no_such_ledger',
    });
    await expect(files.loadText('', csv([]))).rejects.toMatchObject({
      code: 'load_id',
      detail: expect.stringContaining('--id'),
    });
    const made = await files.loadText('into a new ledger', csv(rows('new', 1)), {
      ledger: 'fresh',
      createLedger: true,
    });
    expect(made).toMatchObject({ ledger: 'fresh', booked: 1 });
  });

  it.each(['gz', 'zst'])(
    'cut short inside (.%s) keeps what was booked and goes on when it is whole',
    async (suffix) => {
      // Noise in the text, or a few bytes would hold it all.
      const lines = rows(suffix, 4000).map((row) => row.replace(/,,$/, `,${Math.random()}${Math.random()},`));
      const packed = (suffix === 'gz' ? gzipSync : zstdCompressSync)(csv(lines));
      const name = `cut.csv.${suffix}`;
      await files.write(name, packed.subarray(0, packed.length - 2000));
      await expect(files.loadFile(name, { batch: 500 })).rejects.toMatchObject({
        kind: 'invalid',
        code: 'source_damaged',
      });
      const before = (await booked(book, `${suffix}-`)).length;
      expect(before).toBeGreaterThan(0);
      expect(before).toBeLessThan(4000);
      await files.write(name, packed);
      expect(await files.loadFile(name)).toMatchObject({ resumedAt: before, booked: 4000 });
      expect(await booked(book, `${suffix}-`)).toHaveLength(4000);
    },
  );

  it('that is not UTF-8 stops at that line, after those before it', async () => {
    const good = rows('latin', 3);
    await files.write(
      'latin.csv',
      Buffer.concat([
        Buffer.from(csv(good)),
        Buffer.from(rows('latin-é', 1).join(), 'latin1'),
        Buffer.from('\n'),
      ]),
    );
    await expect(files.loadFile('latin.csv')).rejects.toMatchObject({
      code: 'not_utf8',
      detail: expect.stringContaining('line 5'),
    });
    expect(await booked(book, 'latin-')).toHaveLength(3);
    await files.write('latin.csv', csv([...good, ...rows('latin-é', 1)]));
    expect(await files.loadFile('latin.csv')).toMatchObject({ resumedAt: 3, booked: 4 });
  });

  it('with a broken quote stops at that record, after those before it', async () => {
    const good = rows('quote', 3);
    await files.write(
      'quote.csv',
      csv([...good, '"2026-02-03"x,a:A,b:B,1,EUR,,,,,', ...rows('quote-later', 1)]),
    );
    await expect(
      files.loadFile('quote.csv', { rejectFile: files.path('quote-rejects.csv') }),
    ).rejects.toMatchObject({
      code: 'bad_csv',
      detail: expect.stringContaining('line 5'),
    });
    expect(await booked(book, 'quote-')).toHaveLength(3);
    await files.write(
      'quote.csv',
      csv([...good, `${rows('quote', 4)[3]?.replace(/,,$/, ',"never closed,')}`]),
    );
    await expect(files.loadFile('quote.csv')).rejects.toMatchObject({
      code: 'bad_csv',
      detail: expect.stringContaining('line 5'),
    });
  });
});

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
    const text = csv(
      ['2026-02-03,good-a:CASH,good-b:CASH,1,EUR,,,"a\nb",,', row, ...rows('never', 1)].map((line) =>
        line.replace('"a\nb"', ''),
      ),
    );
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
    ['longer than', `{"description":"${'x'.repeat(1024 * 1024)}"}`],
  ])('of NDJSON is told as well: %s', async (reason, line) => {
    const id = `ndjson: ${reason}`;
    await expect(files.loadText(id, `${line}\n`, { format: 'ndjson' })).rejects.toMatchObject({
      code: 'bad_row',
      detail: expect.stringContaining(reason),
    });
  });

  it('is counted by lines of the file, quoted line ends and blank lines included', async () => {
    const text = `${HEADER}\r\n\r\n2026-02-03,l-a:CASH,l-b:CASH,1,EUR,,,,"x\r\ny\nz",\r\n\n2026-02-03,l-a:CASH,l-b:CASH,x,EUR,,,,,\r\n`;
    await expect(files.loadText('lines', text.replaceAll('\r\ny', '\ny'))).rejects.toMatchObject({
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

describe('a load', () => {
  it('is done once, and its end is told in the transaction that ends it', async () => {
    await files.write('once.csv', csv(rows('once', 5)));
    const told: [string, bigint][] = [];
    const house = {
      finish: async (trx: typeof book.db) => {
        const row = await trx
          .selectFrom('quartermaster.loads')
          .selectAll()
          .where('id', '=', 'once.csv')
          .executeTakeFirstOrThrow();
        told.push([row.state, row.records]);
      },
    };
    expect(await files.loadFile('once.csv', { house, batch: 2 })).toMatchObject({
      booked: 5,
      alreadyLoaded: false,
    });
    expect(told).toEqual([['done', 5n]]);
    expect(await files.loadFile('once.csv', { house })).toMatchObject({
      booked: 5,
      alreadyLoaded: true,
      resumedAt: 5,
    });
    await files.write('twin.csv', csv(rows('once', 5)));
    expect(await files.loadFile('twin.csv', { house })).toMatchObject({
      id: 'once.csv',
      alreadyLoaded: true,
    });
    expect(told).toHaveLength(1);
    expect(await booked(book, 'once-')).toHaveLength(5);
  });

  it('goes on with what was appended to its input', async () => {
    await files.write('grows.csv', csv(rows('grows', 4)));
    await files.loadFile('grows.csv');
    await files.write('grows.csv', csv(rows('grows', 9)));
    expect(await files.loadFile('grows.csv', { batch: 2 })).toMatchObject({
      resumedAt: 4,
      records: 9,
      booked: 9,
      alreadyLoaded: false,
    });
    expect(await files.loadFile('grows.csv')).toMatchObject({ alreadyLoaded: true });
    expect(await booked(book, 'grows-')).toHaveLength(9);
  });

  it('refuses input that begins otherwise, or is shorter, and says what to do', async () => {
    await files.write('other.csv', csv(rows('other', 4)));
    await files.loadFile('other.csv');
    await files.write('other.csv', csv(rows('other', 6, '2026-01-06T00:00:00Z')));
    await expect(files.loadFile('other.csv')).rejects.toMatchObject({
      kind: 'conflict',
      code: 'load_differs',
      detail: expect.stringMatching(/other\.csv.*4 records.*--id/),
    });
    await files.write('other.csv', csv(rows('other', 3)));
    await expect(files.loadFile('other.csv')).rejects.toMatchObject({
      code: 'load_differs',
      detail: expect.stringMatching(/3 records, and 4/),
    });
    expect(await booked(book, 'other-')).toHaveLength(4);
  });

  it('keeps its meaning: other options are refused once something is booked', async () => {
    const lines = rows('means', 4);
    await files.write('means.csv', csv([...lines, 'bad']));
    const strict = { createAccounts: undefined };
    await expect(files.loadFile('means.csv', { ...strict, amounts: 'minor' })).rejects.toMatchObject({
      code: 'bad_row',
    });
    // Nothing is booked yet, so all may change; and accounts may be created from here on.
    await expect(files.loadFile('means.csv')).rejects.toMatchObject({
      code: 'bad_row',
      detail: expect.stringContaining('line 6'),
    });
    for (const changes of [
      { amounts: 'minor' as const },
      { format: 'ndjson' as const },
      strict,
      { createAccounts: { allowNegative: ['CASH'] } },
    ]) {
      await expect(files.loadFile('means.csv', changes)).rejects.toMatchObject({
        code: 'load_options_differ',
      });
    }
    await files.write('means.csv', csv(lines));
    expect(await files.loadFile('means.csv')).toMatchObject({ booked: 4 });
  });

  it('creates accounts that may go below zero only where it is allowed', async () => {
    const row = (n: number, from: string, to: string) =>
      `2026-02-03T00:00:0${n}Z,${from},${to},5,EUR,,,neg-${n},,`;
    const options = { createAccounts: { allowNegative: ['BANK'] } };
    await expect(
      files.loadText(
        'negative',
        csv([row(1, 'n:BANK', 'n:WALLET'), row(2, 'n:WALLET', 'm:WALLET'), row(3, 'n:WALLET', 'm:WALLET')]),
        options,
      ),
    ).rejects.toMatchObject({
      detail: expect.stringMatching(/line 4, column amount: n:WALLET has 0 available/),
    });
    expect(await booked(book, 'neg-')).toHaveLength(2);
  });

  it('asks for each quarter once, and never for a closed one', async () => {
    const asked: string[] = [];
    const house = {
      ensureQuarters: async (from: Date, to: Date) => {
        asked.push(...[from, to].map((at) => book.calendar.quarterOf(at).name));
        await book.ensureQuarters(from, to);
      },
    };
    await book.ensureQuarters(new Date('2023-02-01'), new Date('2023-02-01'));
    await closeQuarter(book, '2023q1');
    const days = ['2021-11-30', '2021-12-31', '2022-01-01', '2023-02-02', '2022-03-01', '2024-12-01'];
    const lines = days.map(
      (day, index) => `${day},q${index}-a:CASH,q${index}-b:CASH,1,EUR,,,quarters-${index},,`,
    );
    const report = await files.loadText('quarters', csv(lines), {
      house,
      batch: 2,
      rejectFile: files.path('quarters.csv'),
    });
    expect(report).toMatchObject({ booked: 5, rejected: 1 });
    expect(asked).toEqual(['2021q4', '2021q4', '2022q1', '2022q1', '2024q4', '2024q4']);
  });

  it('stopped by its signal goes on from there', async () => {
    const stop = new AbortController();
    await files.write('signal.csv', csv(rows('signal', 50)));
    const halted = files.loadFile('signal.csv', {
      batch: 5,
      signal: stop.signal,
      onProgress: ({ records, bytesRead, bytesTotal }) => {
        expect(bytesRead).toBe(bytesTotal);
        if (records === 20) stop.abort();
      },
    });
    await expect(halted).rejects.toMatchObject({ kind: 'aborted' });
    expect(await booked(book, 'signal-')).toHaveLength(20);
    expect(await files.loadFile('signal.csv')).toMatchObject({ resumedAt: 20, booked: 50 });
  });

  it('notes the days it touched', async () => {
    await sql`DELETE FROM quartermaster.summary_marks`.execute(book.db);
    await files.loadText(
      'days',
      csv(
        ['2025-03-29T23:59:59', '2025-03-30T00:00:00', '2025-03-30T23:59:59Z'].map(
          (at, index) => `${at},d-a:CASH,d-b:CASH,1,EUR,,,days-${index},,`,
        ),
      ),
    );
    const { rows: marks } = await sql`SELECT day FROM quartermaster.summary_marks ORDER BY day`.execute(
      book.db,
    );
    expect(marks).toEqual([{ day: '2025-03-29' }, { day: '2025-03-30' }, { day: '2025-03-31' }]);
  });
});

it('whatever was loaded, every rule of the ledger holds', async () => {
  expect(await brokenRules(book.db)).toEqual([]);
});
