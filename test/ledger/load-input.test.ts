import { Readable } from 'node:stream';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Book, brokenRules, openBook } from './fixture.ts';
import { booked, csv, HEADER, loadRow, openLoads, rows } from './load-fixture.ts';

let book: Book;
beforeAll(async () => {
  book = await openBook({ zone: 'Europe/London' });
});
afterAll(() => book.close());
const files = await openLoads(() => book);

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
      detail: expect.stringMatching(/^There is no file .*nowhere\.csv\.$/),
    });
    await expect(files.loadFile('', { id: 'directory' })).rejects.toMatchObject({
      code: 'source_unreadable',
      detail: expect.stringMatching(/ is a directory\. Give one file\.$/),
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

it('whatever was loaded, every rule of the ledger holds', async () => {
  expect(await brokenRules(book.db)).toEqual([]);
});

describe('a stream', () => {
  it('that ends in the middle of a line is read up to that line, and goes on when it comes whole', async () => {
    const header = 'created_at,debit_account,credit_account,currency,reference_code,amount';
    const lines = [header, ...[1, 2, 3].map((n) => `2026-05-0${n},s-a:CASH,s-b:CASH,EUR,cut-${n},1234.56`)];
    const whole = `${lines.join('\n')}\n`;
    // Cut inside the last amount, where it still reads as a row, with less in it.
    await expect(files.loadText('cut', whole.slice(0, -4))).rejects.toMatchObject({ code: 'source_cut_off' });
    expect(await files.loadText('cut', whole)).toMatchObject({ records: 3, rejected: 0 });
    const amounts = (await booked(book, 'cut-')).map(({ amount }) => amount);
    expect(amounts).toEqual([123_456n, 123_456n, 123_456n]);
  });

  it('is called by its name, and needs no line end where its end is known', async () => {
    const whole = csv(rows('named', 3)).trimEnd();
    const source = () => Readable.from([Buffer.from(whole)]);
    await expect(files.loadStream('named', { stream: source(), name: 'the body' })).rejects.toMatchObject({
      code: 'source_cut_off',
      detail: expect.stringMatching(/^the body ends/),
    });
    expect(await booked(book, 'named-')).toHaveLength(2);
    expect(await files.loadStream('named', { stream: source(), whole: true })).toMatchObject({ booked: 3 });
  });
});
