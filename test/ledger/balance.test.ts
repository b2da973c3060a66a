import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAppError } from '../../src/core/errors.ts';
import { type BalanceQuery, readBalance } from '../../src/ledger/balance.ts';
import { type History, openHistory } from './reading-fixture.ts';

const zone = 'America/St_Johns';
const from = new Date('2023-02-10T00:00:00Z');
const to = new Date('2024-02-20T00:00:00Z');
let history: History;

beforeAll(async () => {
  history = await openHistory(zone, from, to, 21);
  await history.add(900, from, to);
  await history.refresh();
});
afterAll(() => history.book.close());

const balance = (query: BalanceQuery) => readBalance(history.book, history.book.ledger.id, query);

const entriesOf = (account: string, currency: string) =>
  history.all.flatMap(({ createdAt, entries }) =>
    entries
      .filter((one) => one.account === account && one.currency === currency)
      .map((entry) => ({ ...entry, createdAt })),
  );

const naive = (account: string, currency: string, at: Date) =>
  entriesOf(account, currency).reduce(
    (sum, { amount, createdAt }) => (createdAt <= at ? sum + amount : sum),
    0n,
  );

/** Random instants, those of entries, and the ends of days. */
function someInstants(account: string, currency: string, count: number): Date[] {
  const { book, random } = history;
  const entries = entriesOf(account, currency);
  return Array.from({ length: count }, (_, n) => {
    const at = new Date(from.getTime() - 1e9 + random((to.getTime() - from.getTime()) / 1000 + 2e6) * 1000);
    const entry = entries[random(entries.length)]?.createdAt ?? at;
    const start = book.calendar.startOfDay(book.calendar.dayOf(entry)).getTime();
    return [at, entry, new Date(entry.getTime() - 1), new Date(start), new Date(start - 1)][n % 5] as Date;
  });
}

const accounts = ['bank:CASH', 'ann:WALLET', 'dee:WALLET'].flatMap((account) =>
  ['EUR', 'USD'].map((currency) => ({ account, currency })),
);

describe('a balance', () => {
  it('of now says what may leave', async () => {
    const { book } = history;
    await sql`
      UPDATE ledger.balances SET pending_out = 30, pending_in = 5, min_balance = -100000 WHERE account_id =
        (SELECT id FROM ledger.accounts WHERE entity_id = 'ann' AND currency = 'EUR')`.execute(book.db);
    const last = entriesOf('ann:WALLET', 'EUR').at(-1);
    const posted = naive('ann:WALLET', 'EUR', to);
    const now = await balance({ account: 'ann:WALLET', currency: 'EUR' });
    expect(now).toEqual({
      accountId: now.accountId,
      account: 'ann:WALLET',
      currency: 'EUR',
      posted,
      pendingOut: 30n,
      pendingIn: 5n,
      available: posted - 30n + 100_000n,
      minBalance: -100_000n,
      version: last?.version,
      at: now.at,
    });
    expect(now.at.getTime()).toBeGreaterThan(to.getTime());
    expect(await balance({ account: String(now.accountId) })).toMatchObject({
      account: 'ann:WALLET',
      posted,
    });
    expect(await balance({ account: 'bank:CASH', currency: 'USD' })).toMatchObject({
      posted: naive('bank:CASH', 'USD', to),
      minBalance: null,
      available: null,
    });
  });

  it('at any instant is the sum of the entries until then', async () => {
    for (const { account, currency } of accounts) {
      for (const at of someInstants(account, currency, 40)) {
        expect(await balance({ account, currency, at })).toEqual({
          accountId: expect.any(BigInt),
          account,
          currency,
          posted: naive(account, currency, at),
          at,
        });
      }
    }
    expect((await balance({ account: 'idle:WALLET', at: to })).posted).toBe(0n);
  });

  it('is of one account', async () => {
    const required = {
      kind: 'invalid',
      code: 'currency_required',
      detail: expect.stringContaining('EUR, USD'),
    };
    await expect(balance({ account: 'ann:WALLET' })).rejects.toMatchObject(required);
    for (const query of [
      { account: 'nobody:WALLET' },
      { account: '0' },
      { account: 'ann:WALLET', currency: 'JPY' },
    ]) {
      await expect(balance(query)).rejects.toMatchObject({ kind: 'not_found', code: 'account_not_found' });
    }
    const at = new Date(Number.NaN);
    await expect(balance({ account: 'idle:WALLET', at })).rejects.toMatchObject({
      code: 'instant_out_of_range',
    });
  });
});

describe('a balance in an archived quarter', () => {
  /** Right, or refused where it must be: on a day in a quarter that is away on which the account moved, but for its end. */
  async function check(away: readonly string[]) {
    const { calendar } = history.book;
    let refused = 0;
    for (const { account, currency } of accounts) {
      const days = new Set(entriesOf(account, currency).map(({ createdAt }) => calendar.dayOf(createdAt)));
      for (const at of someInstants(account, currency, 60)) {
        const day = calendar.dayOf(at);
        const isEnd = calendar.dayOf(new Date(at.getTime() + 1)) !== day;
        const isHidden = away.includes(calendar.quarterOf(at).name) && days.has(day) && !isEnd;
        const answer = await balance({ account, currency, at }).catch((error: unknown) => error);
        if (!isHidden) expect(answer).toMatchObject({ posted: naive(account, currency, at) });
        else {
          refused++;
          expect(answer).toMatchObject({ kind: 'conflict', code: 'quarter_not_online' });
          // What it advises can be asked.
          const advised =
            /balance at (\S+) or at (\S+),/.exec(isAppError(answer) ? answer.detail : '')?.slice(1) ?? [];
          expect(advised).toHaveLength(2);
          for (const text of advised) {
            const instead = new Date(text);
            expect((await balance({ account, currency, at: instead })).posted).toBe(
              naive(account, currency, instead),
            );
          }
        }
      }
    }
    expect(refused).toBeGreaterThan(5);
  }

  it('is known but within days on which the account moved', async () => {
    await history.detach('2023q1');
    await check(['2023q1']);
  });

  it('is known though an older quarter is online, as one that was restored', async () => {
    await history.detach('2023q3');
    await check(['2023q1', '2023q3']);
    await history.detach('2023q4');
    await check(['2023q1', '2023q3', '2023q4']);
  });

  it('is known while the quarter is on its way out and its state does not say so yet', async () => {
    await sql`UPDATE quartermaster.quarters SET state = 'archived' WHERE quarter IN ('2023q3', '2023q2')`.execute(
      history.book.db,
    );
    await check(['2023q1', '2023q3', '2023q4']);
  });
});
