import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Book, brokenRules, closeQuarter, openBook } from './fixture.ts';
import { booked, csv, HEADER, loadRow, openLoads, rows } from './load-fixture.ts';

let book: Book;
beforeAll(async () => {
  book = await openBook({ zone: 'Europe/London' });
});
afterAll(() => book.close());
const files = await openLoads(() => book);

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

describe('when it truly happened', () => {
  it('may be said beside when it is booked, in CSV and NDJSON', async () => {
    const header = `${HEADER},effective_at`;
    const row = (index: number, at: string) =>
      `2026-02-0${index},e-a:CASH,e-b:CASH,1,EUR,,,eff-${index},,,${at}`;
    const text = [header, row(1, '2019-07-01'), row(2, '2020-01-01T00:00:00+02:00'), row(3, '')].join('\n');
    await files.loadText('effective', `${text}\n`);
    const line = {
      created_at: '2026-02-04',
      debit_account: 'e-a:CASH',
      credit_account: 'e-b:CASH',
      amount: '1',
      currency: 'EUR',
      reference_code: 'eff-4',
      effective_at: '2021-01-01T00:00:00Z',
    };
    await files.loadText('effective ndjson', `${JSON.stringify(line)}\n`, { format: 'ndjson' });
    const { rows: found } = await sql`
      SELECT effective_at FROM ledger.transactions WHERE reference_code LIKE 'eff-%' ORDER BY created_at`.execute(
      book.db,
    );
    expect(found).toEqual(
      // A date is the first moment of that day in the zone of the ledger.
      ['2019-06-30T23:00:00Z', '2019-12-31T22:00:00Z', null, '2021-01-01T00:00:00Z'].map((at) => ({
        effective_at: at && new Date(at),
      })),
    );
  });

  it('does not make the records of a file without it others than they were', async () => {
    await files.loadText('digest', csv(rows('digest', 3)));
    const before = await loadRow(book, 'digest');
    const wider = csv(rows('digest', 4).map((row) => `${row},`)).replace(HEADER, `${HEADER},effective_at`);
    expect(await files.loadText('digest', wider)).toMatchObject({ resumedAt: 3, booked: 4 });
    // What older versions computed for these three records.
    expect(before.prefix_sha256).toBe('fa70e9a26b45bebba7e8c7f22dadd847549aeeb40a7599f7470c654f87cd1ecc');
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
      detail: expect.stringMatching(
        /line 4, column amount: n:WALLET has 0 available.*--allow-negative WALLET; one that exists/,
      ),
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
