import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readStatement, type StatementLine, type StatementQuery } from '../../src/ledger/statement.ts';
import { type History, openHistory } from './reading-fixture.ts';

const zone = 'Europe/Paris';
const from = new Date('2023-02-10T00:00:00Z');
const to = new Date('2024-02-20T00:00:00Z');
let history: History;

beforeAll(async () => {
  history = await openHistory(zone, from, new Date(), 31);
  await history.add(900, from, to);
  await history.refresh();
});
afterAll(() => history.book.close());

const statement = (query: StatementQuery) => readStatement(history.book, history.book.ledger.id, query);

function naive(account: string, currency: string, start: Date, end: Date): StatementLine[] {
  return history.all
    .filter(({ createdAt }) => createdAt >= start && createdAt < end)
    .flatMap((one) =>
      one.entries
        .filter((entry) => entry.account === account && entry.currency === currency)
        .map(({ amount, balanceAfter, version }) => ({
          createdAt: one.createdAt,
          transactionId: one.id,
          amount,
          balanceAfter,
          version,
          referenceCode: one.referenceCode,
          description: one.description,
          effectiveAt: one.effectiveAt,
        })),
    )
    .sort((a, b) => Number(a.version - b.version));
}

const sum = (lines: readonly StatementLine[]) => lines.reduce((total, { amount }) => total + amount, 0n);

/** All pages: their lines as one list, and what must be the same on each. */
async function readAll(query: StatementQuery, between?: () => Promise<unknown>) {
  const lines: StatementLine[] = [];
  const shared = new Set<string>();
  let first: Awaited<ReturnType<typeof statement>> | undefined;
  for (let cursor: string | undefined; first === undefined || cursor !== undefined; ) {
    const page = await statement({ ...query, cursor });
    first ??= page;
    lines.push(...page.lines);
    shared.add(
      `${page.from.toISOString()} ${page.to.toISOString()} ${page.opening} ${page.closing} ${page.archivedQuarters}`,
    );
    cursor = page.next;
    await between?.();
  }
  expect([...shared]).toHaveLength(1);
  return { ...first, lines };
}

const anyInstant = () => new Date(from.getTime() + history.random(366 * 86_400) * 1000);

describe('a statement', () => {
  it('leads from its opening to its closing, line by line and across quarters, however it is cut', async () => {
    for (let round = 0; round < 30; round++) {
      const [start, end] = [anyInstant(), anyInstant()].sort((a, b) => a.getTime() - b.getTime()) as [
        Date,
        Date,
      ];
      const account = ['bank:CASH', 'ann:WALLET'][round % 2] as string;
      const currency = ['EUR', 'USD'][round % 3 === 0 ? 1 : 0] as string;
      const limit = [3, 50, 1000][round % 3] as number;
      const { opening, closing, lines, archivedQuarters } = await readAll({
        account,
        currency,
        from: start,
        to: end,
        limit,
      });
      expect(lines).toEqual(naive(account, currency, start, end));
      expect(opening).toBe(sum(naive(account, currency, new Date(0), start)));
      expect(opening + sum(lines)).toBe(closing);
      expect(lines.at(-1)?.balanceAfter ?? opening).toBe(closing);
      expect(archivedQuarters).toEqual([]);
    }
  });

  it('holds what is at its first instant, and not what is at its last', async () => {
    const line = naive('bank:CASH', 'EUR', from, to)[50] as StatementLine;
    const at = line.createdAt;
    const query = { account: 'bank:CASH', currency: 'EUR', limit: 1000 };
    const later = new Date(at.getTime() + 1);
    expect((await readAll({ ...query, from: at, to: later })).lines).toContainEqual(line);
    expect((await readAll({ ...query, from: new Date(0), to: at })).lines).not.toContainEqual(line);
    expect(await readAll({ ...query, from: at, to: at })).toMatchObject({ lines: [] });
  });

  it('without an end is as of the first page on all of them, whatever is booked meanwhile', async () => {
    const query = { account: 'bank:CASH', currency: 'EUR', from: new Date('2023-11-01'), limit: 20 };
    const want = naive('bank:CASH', 'EUR', query.from, to);
    // As transactions that were under way: booked at a time before the first page, and seen only after it.
    let at = Date.now() - 60_000;
    const { lines, opening, closing } = await readAll(query, async () => {
      at += 100;
      await history.add(4, new Date(at), new Date(at + 100));
    });
    expect(lines).toEqual(want);
    expect(opening + sum(want)).toBe(closing);
    const next = await readAll({ ...query, limit: 1000 });
    expect(next.lines.length).toBeGreaterThan(want.length);
    expect(next.closing).toBe(opening + sum(next.lines));
  });

  it('of the future ends with what is booked', async () => {
    const query = { account: 'idle:WALLET', limit: 10 };
    expect(await statement({ ...query, from, to: new Date('9000-01-01') })).toMatchObject({
      opening: 0n,
      closing: 0n,
      lines: [],
      to: new Date('9000-01-01'),
    });
  });

  it('is refused where it makes no sense', async () => {
    const query = { account: 'ann:WALLET', currency: 'EUR', from, to, limit: 5 };
    const { next } = await statement(query);
    for (const [change, code] of [
      [{ from: to, to: from }, 'invalid_filter'],
      [{ from: new Date('9000-01-01'), to: undefined }, 'invalid_filter'],
      [{ limit: 0 }, 'invalid_filter'],
      [{ from: new Date(Number.NaN) }, 'instant_out_of_range'],
      [{ currency: undefined }, 'currency_required'],
      [{ account: 'nobody:WALLET' }, 'account_not_found'],
      [{ cursor: 'bm9uc2Vuc2U' }, 'cursor_invalid'],
      [{ cursor: next, to: undefined }, 'cursor_invalid'],
      [{ cursor: next, from: new Date(from.getTime() + 1) }, 'cursor_invalid'],
      [{ cursor: next, currency: 'USD' }, 'cursor_invalid'],
      [{ cursor: next, account: 'bank:CASH' }, 'cursor_invalid'],
    ] as [Partial<StatementQuery>, string][]) {
      await expect(statement({ ...query, ...change })).rejects.toMatchObject({ code });
    }
  });

  it('is read alike in a transaction of the caller, as on a replica', async () => {
    const query = { account: 'ann:WALLET', currency: 'EUR', from, to, limit: 5 };
    const inside = await history.book.db
      .transaction()
      .setAccessMode('read only')
      .execute((db) => readStatement({ db, calendar: history.book.calendar }, history.book.ledger.id, query));
    expect(inside).toEqual(await statement(query));
  });

  it('leaps over archived quarters and names them, and its balances stay right', async () => {
    const { book } = history;
    await history.refresh();
    await history.detach('2023q2');
    await history.detach('2023q3');
    const [second, fourth] = [book.calendar.quarter('2023q2'), book.calendar.quarter('2023q4')];
    const query = { account: 'ann:WALLET', currency: 'EUR', limit: 30 };
    const all = await readAll({ ...query, from: new Date(0), to });
    expect(all.archivedQuarters).toEqual(['2023q2', '2023q3']);
    expect(all).toMatchObject({ opening: 0n, closing: sum(naive('ann:WALLET', 'EUR', new Date(0), to)) });
    expect(all.lines).toEqual([
      ...naive('ann:WALLET', 'EUR', new Date(0), second.start),
      ...naive('ann:WALLET', 'EUR', fourth.start, to),
    ]);
    const since = await readAll({ ...query, from: fourth.start, to });
    expect(since.archivedQuarters).toEqual([]);
    expect(since.opening).toBe(sum(naive('ann:WALLET', 'EUR', new Date(0), fourth.start)));
    expect(since.opening + sum(since.lines)).toBe(since.closing);
    const day = book.calendar.startOfDay('2023-08-10');
    expect(await statement({ ...query, from: day, to })).toMatchObject({
      opening: sum(naive('ann:WALLET', 'EUR', new Date(0), day)),
      archivedQuarters: ['2023q3'],
    });
  });
});
