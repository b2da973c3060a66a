import { describe, expect, it } from 'vitest';
import { createPairs, createRandom } from '../../bench/distributions.ts';
import { createdIn, createRequests, failureOf } from '../../bench/load-requests.ts';

function requests(batch: number, withKeys: boolean) {
  const pairs = createPairs('spread', 100, createRandom(1));
  return createRequests({ ledger: 'bench', key: 'secret', batch, withKeys }, pairs);
}

describe('requests of the load generator', () => {
  it('are single transactions in the form the API takes', () => {
    const next = requests(1, false);
    const [first, second] = [next(), next()];
    expect(first).toMatchObject({ method: 'POST', path: '/v1/ledgers/bench/transactions' });
    expect(first.headers).toEqual({ 'content-type': 'application/json', authorization: 'Bearer secret' });
    const body = JSON.parse(String(first.body));
    expect(body.postings).toEqual([
      {
        from: expect.stringMatching(/^user-\d+:WALLET$/),
        to: expect.stringMatching(/^user-\d+:WALLET$/),
        amount: expect.stringMatching(/^[1-9]\d*$/),
        currency: 'EUR',
      },
    ]);
    expect(`${body.user_id}:WALLET`).toBe(body.postings[0].from);
    expect(second.body).not.toBe(first.body);
  });

  it('are batches of so many transactions', () => {
    const request = requests(500, true)();
    expect(request.path).toBe('/v1/ledgers/bench/transactions/batch');
    const { transactions } = JSON.parse(String(request.body));
    expect(transactions).toHaveLength(500);
    expect(new Set(transactions.map((item: { idempotency_key: string }) => item.idempotency_key)).size).toBe(
      500,
    );
  });

  it('never share a key', () => {
    const next = requests(1, true);
    const keys = [next(), next()].map(
      ({ headers }) => (headers as Record<string, string>)['idempotency-key'],
    );
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(keys[1]).not.toBe(keys[0]);
  });
});

describe('an answer', () => {
  const item = (status: string) => ({ status });
  const body = (...statuses: string[]) => JSON.stringify({ results: statuses.map(item) });

  it('counts only what was created', () => {
    expect(createdIn(201, '', 1)).toBe(1);
    expect([200, 202, 409, 500, 503].map((status) => createdIn(status, '', 1))).toEqual([0, 0, 0, 0, 0]);
    expect(createdIn(200, body('created', 'refused', 'replayed', 'created'), 4)).toBe(2);
    expect(createdIn(503, body('created', 'created'), 2)).toBe(0);
  });

  it('that is a failure is named by its status and code', () => {
    expect(failureOf(503, '{"title":"Busy","code":"overloaded"}')).toBe('503 overloaded');
    expect(failureOf(502, 'Bad Gateway')).toBe('502 Bad Gateway');
  });
});
