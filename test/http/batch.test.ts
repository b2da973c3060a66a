import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { createApp } from '../../src/http/app.ts';
import { fingerprintOf } from '../../src/http/idempotency.ts';
import type { PostResult } from '../../src/ledger/post.ts';
import type { PostRequest, TransactionRequest } from '../../src/ledger/request.ts';
import { emptyHouse, inject, payment, post, problemIn, transactionView } from './house.ts';

interface Call {
  readonly how: 'post' | 'preview';
  readonly requests: readonly PostRequest[];
  readonly atomic: boolean;
}

/** An app that books what does not say REFUSE, and remembers what it was asked. */
function booking(position?: string) {
  const calls: Call[] = [];
  const act =
    (how: Call['how']) =>
    async (_: number, requests: readonly PostRequest[], { atomic }: { atomic: boolean }) => {
      calls.push({ how, requests, atomic });
      const refusals = requests.map((request) => (request as TransactionRequest).referenceCode === 'REFUSE');
      const results = requests.map((request, index): PostResult => {
        if (refusals[index]) {
          return { kind: 'refused', error: new AppError('refused', 'insufficient_funds', 'Too little.') };
        }
        if (atomic && refusals.includes(true)) {
          return { kind: 'refused', error: new AppError('refused', 'batch_refused', 'Others are refused.') };
        }
        const replayed = request.idempotency?.key === 'seen';
        return { kind: replayed ? 'replayed' : 'created', transaction: transactionView() };
      });
      return { results, position };
    };
  const app = createApp(emptyHouse({ post: act('post'), preview: act('preview') }));
  const send = (body: unknown, headers: Record<string, string> = {}) =>
    inject(app, {
      method: 'POST',
      url: '/v1/ledgers/main/transactions/batch',
      headers: { 'content-type': 'application/json', ...headers },
      payload: typeof body === 'string' ? body : JSON.stringify(body),
    });
  return { app, calls, send };
}

const refused = { ...payment, reference_code: 'REFUSE' };

describe('a batch', () => {
  it('answers what became of each transaction, in order', async () => {
    const { calls, send } = booking('16/B374D848');
    const seen = { ...payment, idempotency_key: 'seen' };
    const response = await send({ transactions: [payment, refused, seen, { postings: [] }, payment] });
    expect(response.statusCode).toBe(200);
    expect(response.headers['x-ledger-position']).toBe('16/B374D848');
    const { results } = response.json();
    expect(results.map(({ status }: { status: string }) => status)).toEqual([
      'created',
      'refused',
      'replayed',
      'refused',
      'created',
    ]);
    expect(results[0].transaction).toMatchObject({
      id: transactionView().id,
      ledger: 'main',
      amount: '1250',
    });
    expect(results[1].problem).toMatchObject({ status: 422, code: 'insufficient_funds' });
    // A transaction that cannot be read is refused like one that cannot be booked: the others stand.
    expect(results[3].problem).toMatchObject({
      status: 400,
      code: 'invalid_request',
      errors: [expect.objectContaining({ pointer: '#/transactions/3/postings' })],
    });
    expect(calls).toHaveLength(1);
    expect(calls[0]?.requests).toHaveLength(4);
    expect(calls[0]?.atomic).toBe(false);
  });

  it('takes a thousand transactions, 400,000 values and 16 MiB, and no more', async () => {
    const { calls, send } = booking();
    const many = Array(1000).fill({ postings: Array(60).fill(payment.postings[0]) });
    expect((await send({ transactions: many })).statusCode).toBe(200);
    expect(calls[0]?.requests).toHaveLength(1000);
    const more = Array(1000).fill({ postings: Array(100).fill(payment.postings[0]) });
    problemIn(await send({ transactions: more }), 400, 'body_too_complex');
    problemIn(await send({ transactions: [...many, payment] }), 400, 'invalid_request');
    const large = problemIn(await send(`{"a":"${'x'.repeat(16 * 1024 * 1024)}"}`), 413, 'body_too_large');
    expect(large.detail).toContain('16777216');
    problemIn(await send({ transactions: [] }), 400, 'invalid_request');
    for (const body of [{}, [], null, { transactions: {} }, { transactions: [payment], extra: 1 }]) {
      problemIn(await send(body), 400, 'invalid_request');
    }
    expect(calls).toHaveLength(1);
  });

  it('posts nothing when nothing in it can be read', async () => {
    const { calls, send } = booking();
    const { results } = (
      await send({ transactions: [null, 7, [], {}, { ...payment, dry_run: true }] })
    ).json();
    expect(results.map((each: { problem: { errors: object[] } }) => each.problem.errors[0])).toEqual([
      { pointer: '#/transactions/0', detail: 'must be a JSON object with at least postings' },
      { pointer: '#/transactions/1', detail: 'must be a JSON object with at least postings' },
      { pointer: '#/transactions/2', detail: 'must be a JSON object with at least postings' },
      { pointer: '#/transactions/3/postings', detail: 'is required' },
      { pointer: '#/transactions/4/dry_run', detail: 'is not known here' },
    ]);
    expect(calls).toEqual([]);
  });

  it('has a key for each transaction, the same as if it came alone', async () => {
    const { app, calls, send } = booking();
    await send({ transactions: [{ ...payment, idempotency_key: 'k-1' }, payment] });
    await post(app, payment, { 'idempotency-key': 'k-1' });
    const [first, second] = calls[0]?.requests ?? [];
    expect(first?.idempotency).toEqual({ key: 'k-1', fingerprint: fingerprintOf(payment) });
    expect(second?.idempotency).toBeUndefined();
    expect(calls[1]?.requests[0]?.idempotency).toEqual(first?.idempotency);
    for (const key of ['', 'x'.repeat(256), 'é', 'a\nb', 7, null]) {
      const { results } = (await send({ transactions: [{ ...payment, idempotency_key: key }] })).json();
      expect(results[0].problem.errors[0].pointer).toBe('#/transactions/0/idempotency_key');
    }
    const { errors } = problemIn(
      await send({ transactions: [payment] }, { 'idempotency-key': 'k-2' }),
      400,
      'invalid_request',
    );
    expect(errors).toEqual([
      { header: 'Idempotency-Key', detail: expect.stringContaining('idempotency_key') },
    ]);
  });

  it('with atomic stands or falls whole, and tells which were refused', async () => {
    const { calls, send } = booking('0/1');
    expect((await send({ transactions: [payment, payment], atomic: true })).statusCode).toBe(200);
    expect(calls[0]?.atomic).toBe(true);

    const response = await send({ transactions: [payment, refused, payment, refused], atomic: true });
    const problem = problemIn(response, 422, 'batch_refused');
    expect(problem.errors).toEqual([
      { pointer: '#/transactions/1', code: 'insufficient_funds', detail: 'Too little.' },
      { pointer: '#/transactions/3', code: 'insufficient_funds', detail: 'Too little.' },
    ]);
    expect(response.headers['x-ledger-position']).toBeUndefined();

    const unreadable = { postings: [{ ...payment.postings[0], from: 'alice' }] };
    const { errors } = problemIn(
      await send({ transactions: [payment, unreadable], atomic: true }),
      422,
      'batch_refused',
    );
    expect(errors).toEqual([
      { pointer: '#/transactions/1/postings/0/from', code: 'invalid_request', detail: expect.any(String) },
    ]);
    // What cannot stand whole is not tried.
    expect(calls).toHaveLength(2);
  });

  it('with dry_run asks what would become of it', async () => {
    const { calls, send } = booking('0/1');
    const response = await send({ transactions: [payment, refused], dry_run: true });
    expect(response.json()).toMatchObject({
      dry_run: true,
      results: [{ status: 'created' }, { status: 'refused' }],
    });
    expect(response.headers['x-ledger-position']).toBeUndefined();
    expect(calls.map(({ how }) => how)).toEqual(['preview']);
  });
});
