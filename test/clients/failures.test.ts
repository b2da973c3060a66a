import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Client } from '../../clients/typescript/src/index.ts';
import { AppError } from '../../src/core/errors.ts';
import type { HttpHouse } from '../../src/http/house.ts';
import { openHouse } from '../http/house.ts';
import { brokenRules } from '../ledger/fixture.ts';
import { clientOf, hurried, openProxy, quick, serve } from './house.ts';

let opened: Awaited<ReturnType<typeof openHouse>>;
let url: string;
let api: Client;
beforeAll(async () => {
  opened = await openHouse();
});
afterAll(() => opened.book.close());
beforeEach(async () => {
  url = await serve(opened.house);
  ({ api } = clientOf(url));
});

const postings = (amount: bigint | string = 1250n) => [
  { from: 'alice:WALLET', to: 'bob:WALLET', amount, currency: 'EUR' },
];

/** How many transactions of this reference there are in the database. */
async function booked(reference: string): Promise<number> {
  const { rows } = await sql<{ count: bigint }>`
    SELECT count(*) AS count FROM ledger.transactions WHERE reference_code = ${reference}`.execute(
    opened.book.db,
  );
  return Number(rows[0]?.count);
}

describe('a server that fails', () => {
  it('when its answer is lost after the work was done has one effect', async () => {
    const proxy = await openProxy(() => url);
    const { api: cut, sent } = clientOf(proxy.url);
    proxy.cutNextAnswer();
    const request = { postings: postings(), reference_code: 'lost' };
    const posted = await cut.transactions.post('main', request);
    expect(posted.replayed).toBe(true);
    expect([proxy.cuts, sent.length, await booked('lost')]).toEqual([1, 2, 1]);

    proxy.cutNextAnswer();
    const batch = await cut.transactions.postBatch('main', [{ ...request, reference_code: 'lost batch' }]);
    expect(batch.results).toMatchObject([{ status: 'replayed' }]);
    expect(await booked('lost batch')).toBe(1);
  });

  it('in the middle of its answer is asked again', async () => {
    const proxy = await openProxy(() => url);
    const { api: cut, sent } = clientOf(proxy.url);
    const many = Array.from({ length: 20 }, () => ({ postings: postings(1n) }));
    await cut.transactions.postBatch('main', many);
    for (const bytes of [10, 900]) {
      proxy.cutNextAnswer(undefined, bytes);
      for await (const { transactions } of cut.transactions.list('main', { limit: 50 }).pages()) {
        expect(transactions.length).toBeGreaterThan(10);
        break;
      }
    }
    expect([proxy.cuts, sent.length]).toEqual([2, 5]);
  });

  it('by saying that it is full is asked until it is not', async () => {
    let turnedAway = 0;
    const post: HttpHouse['post'] = (...asked) => {
      if (turnedAway++ % 3 !== 2) throw new AppError('busy', 'queue_full', 'Too many wait.');
      return opened.house.post(...asked);
    };
    const { api: stormy, sent } = clientOf(await serve({ ...opened.house, post }), {
      fetch: hurried,
      retry: { ...quick, tries: 50 },
    });
    const all = Array.from({ length: 20 }, (_, n) =>
      stormy.transactions.post(
        'main',
        { postings: postings(1n), reference_code: 'storm' },
        { idempotencyKey: `s-${n}` },
      ),
    );
    expect(new Set((await Promise.all(all)).map(({ transaction }) => transaction.id)).size).toBe(20);
    expect(await booked('storm')).toBe(20);
    expect(sent).toHaveLength(60);
  });

  it('while the same request is under way is asked until that has its answer', async () => {
    const begun = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const post: HttpHouse['post'] = async (...asked) => {
      begun.resolve();
      await go.promise;
      return opened.house.post(...asked);
    };
    let inFlight = 0;
    const { api: twice } = clientOf(await serve({ ...opened.house, post }), {
      retry: { ...quick, tries: 1_000_000 },
      fetch: async (request) => {
        const response = await fetch(request);
        // The first is let go only when the second has been told to wait.
        if (response.status === 409 && ++inFlight === 2) go.resolve();
        return response;
      },
    });
    const ask = () =>
      twice.transactions.post(
        'main',
        { postings: postings(), reference_code: 'both' },
        { idempotencyKey: 'both' },
      );
    const first = ask();
    await begun.promise;
    const [one, two] = await Promise.all([first, ask()]);
    expect([one.replayed, two.replayed]).toEqual([false, true]);
    expect([inFlight >= 2, await booked('both')]).toEqual([true, 1]);
  });

  it('by never answering is left when the signal fires, or the time is over', async () => {
    const proxy = await openProxy(() => url);
    const answered = proxy.holdAnswers();
    const { api: held } = clientOf(proxy.url);
    const ending = new AbortController();
    const call = held.transactions.post(
      'main',
      { postings: postings(), reference_code: 'held' },
      { signal: ending.signal, idempotencyKey: 'held' },
    );
    await answered;
    ending.abort();
    await expect(call).rejects.toMatchObject({ code: 'aborted', status: 0 });
    const limited = clientOf(proxy.url, { retry: { ...quick, within: 100 } });
    await expect(limited.api.transactions.get('main', crypto.randomUUID())).rejects.toMatchObject({
      code: 'deadline',
    });
    // Asked again under its key by somebody who can hear, it was done once.
    const again = await api.transactions.post(
      'main',
      { postings: postings(), reference_code: 'held' },
      { idempotencyKey: 'held' },
    );
    expect([again.replayed, await booked('held')]).toEqual([true, 1]);
  });
});

it('the books are in order after all that', async () => {
  expect(await brokenRules(opened.book.db)).toEqual([]);
});
