import { PassThrough } from 'node:stream';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommandLine } from '../../src/cli/program.ts';
import type { Role } from '../../src/core/access.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createApp } from '../../src/http/app.ts';
import { createLedger } from '../../src/ledger/ledgers.ts';
import { createEntry } from '../../src/main/entry.ts';
import { readConfig } from '../../src/platform/config.ts';
import { lagFault, readSummaryLag, type SummaryLag } from '../../src/summaries/lag.ts';
import { refreshSummaries } from '../../src/summaries/refresh.ts';
import { authorization, emptyHouse } from '../http/house.ts';
import { type Book, openBook } from '../ledger/fixture.ts';

let book: Book;
beforeAll(async () => {
  book = await openBook();
  await createLedger(book.db, 'beside');
  await book.ensureQuarters(new Date('2026-01-01'), new Date('2026-06-30'));
});
afterAll(() => book.close());

const mark = (days: readonly string[], ago: string, ledger = 1) =>
  sql`INSERT INTO quartermaster.summary_marks (ledger_id, day, marked_at)
      SELECT ${ledger}, d, now() - ${ago}::interval FROM unnest(${days}::date[]) AS d`.execute(book.db);

/** One call of the command line. */
async function call(...args: string[]) {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const entry = createEntry({ version: '1.2.3', clock: systemClock, signal: new AbortController().signal });
  const env = { QM_DATABASE_URL: book.url, QM_STORE: 'file:///tmp/quartermaster-none' };
  const code = await runCommandLine(
    { entry: { ...entry, readConfig: () => readConfig(env) }, out, err },
    args,
  );
  return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') };
}

describe('the lag of the summaries', () => {
  it('is nothing where nothing is marked, and no run was ever made', async () => {
    expect(await readSummaryLag(book)).toEqual({
      refreshed: null,
      ledgers: ['beside', 'main'].map((ledger) => ({
        ledger,
        days: 0,
        summedUpBefore: null,
        since: null,
        seconds: 0,
      })),
    });
    expect((await call('summaries', 'show')).out).toContain('They were never refreshed.');
  });

  it('tells the days to count, the first of them and for how long that is so', async () => {
    await mark(['2026-05-02', '2026-05-02', '2026-02-03'], '5 minutes');
    await mark(['2026-05-03'], '1 hour');
    const { ledgers } = await readSummaryLag(book);
    expect(ledgers[0]).toMatchObject({ ledger: 'beside', days: 0 });
    expect(ledgers[1]).toMatchObject({ ledger: 'main', days: 3, summedUpBefore: '2026-02-03' });
    expect(ledgers[1]?.seconds).toBeGreaterThanOrEqual(3600);
    expect(ledgers[1]?.seconds).toBeLessThan(3700);
  });

  it('is not of days whose quarter is not online', async () => {
    await sql`UPDATE quartermaster.quarters SET state = 'detached' WHERE quarter = '2026q1'`.execute(book.db);
    const { ledgers } = await readSummaryLag(book);
    await sql`UPDATE quartermaster.quarters SET state = 'open' WHERE quarter = '2026q1'`.execute(book.db);
    expect(ledgers[1]).toMatchObject({ days: 2, summedUpBefore: '2026-05-02' });
  });

  it('is a fault for the doctor once it is more than ten minutes', async () => {
    const finding = async () =>
      (
        JSON.parse((await call('doctor', '--json')).out) as {
          check: string;
          outcome: string;
          found?: string;
        }[]
      ).find(({ check }) => check === 'the summaries are no more than ten minutes behind');
    expect(await finding()).toMatchObject({
      outcome: 'failed',
      found: expect.stringMatching(
        /The summaries of main are 60 minutes behind, with 3 days to count; a refresh ended never\. .*refresh-summaries/,
      ),
    });
    const of = (seconds: number): SummaryLag => ({
      refreshed: null,
      ledgers: [{ ledger: 'a', days: 1, summedUpBefore: '2026-01-01', since: new Date(), seconds }],
    });
    expect(lagFault(of(600))).toBeUndefined();
    expect(lagFault(of(601))).toContain('The summaries of a are 10 minutes behind');
    await refreshSummaries(book);
    expect(await finding()).toMatchObject({ outcome: 'ok' });
  });

  it('knows when the last run ended, also of one that had nothing to do', async () => {
    const first = (await readSummaryLag(book)).refreshed;
    expect(first?.at.getTime()).toBeGreaterThan(Date.now() - 60_000);
    await refreshSummaries(book);
    const second = (await readSummaryLag(book)).refreshed;
    expect(second?.at.getTime()).toBeGreaterThan(first?.at.getTime() ?? 0);
  });

  it('is told over HTTP, of the ledgers that the key may read', async () => {
    await mark(['2026-05-02'], '5 minutes');
    const readLag = () => readSummaryLag(book);
    const get = async (ledgers: string[] | null) => {
      const authenticate = async () => ({ name: 'some', roles: ['reader'] as Role[], ledgers });
      const app = createApp(emptyHouse({ readSummaryLag: readLag, authenticate }));
      return app.inject({ url: '/v1/summaries', headers: authorization });
    };
    const all = await get(null);
    expect(all.statusCode).toBe(200);
    expect(all.json()).toEqual({
      refreshed_at: expect.stringMatching(/^20.*Z$/),
      refresh_seconds: expect.any(Number),
      ledgers: [
        { ledger: 'beside', days: 0, summed_up_before: null, since: null, lag_seconds: 0 },
        {
          ledger: 'main',
          days: 1,
          summed_up_before: '2026-05-02',
          since: expect.stringMatching(/^20.*Z$/),
          lag_seconds: expect.any(Number),
        },
      ],
    });
    const some = await get(['beside']);
    expect(some.json().ledgers.map((one: { ledger: string }) => one.ledger)).toEqual(['beside']);
  });

  it('is shown at a terminal, for people and for programs', async () => {
    const shown = await call('summaries', 'show');
    expect(shown.code).toBe(0);
    expect(shown.out).toMatch(
      /^Last refreshed at 20.* \(UTC\), in \d+\.\d s\.\n\nLedger +Summed up +Days to count +Behind\n/,
    );
    expect(shown.out).toMatch(/\nmain +all before 2026-05-02 +1 +5 min\n/);
    expect(JSON.parse((await call('summaries', 'show', '--json')).out)).toMatchObject({
      ledgers: [{ ledger: 'beside' }, { ledger: 'main', days: 1 }],
    });
  });
});

describe('quartermaster summaries reconcile', () => {
  it('repairs, or with --no-fix fails, and says what differs', async () => {
    await refreshSummaries(book);
    const fine = await call('summaries', 'reconcile', '--days', '2000');
    expect([fine.code, fine.out]).toEqual([0, expect.stringContaining('Nothing differs.')]);
    await sql`INSERT INTO ledger.daily_totals VALUES (1, '2026-05-02', 'EUR', 'FAILED', 3, 4)`.execute(
      book.db,
    );
    const told = await call('summaries', 'reconcile', '--days', '5000', '--no-fix');
    expect(told.code).toBe(74);
    expect(told.out).toContain(
      'DIFFERS  ledger 1, 2026-05-02, daily_totals of status FAILED, currency EUR: stored total_amount 4, transaction_count 3, counted nothing',
    );
    expect(told.err).toContain('[summaries_differ]');
    const mended = await call('summaries', 'reconcile', '--days', '5000', '--json');
    expect(mended.code).toBe(0);
    expect(JSON.parse(mended.out)).toMatchObject({ differences: 1, repairedDays: 1 });
    expect((await call('summaries', 'reconcile', '--days', 'x')).code).toBe(65);
    const unknown = await call('summaries', 'reconcile', '--quarter', '2019q1');
    expect([unknown.code, unknown.out]).toEqual([66, '']);
    expect(unknown.err).toContain('[no_such_quarter]');
  });
});
