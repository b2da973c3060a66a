import Value from 'typebox/value';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { createApp } from '../../src/http/app.ts';
import { TransactionAnswer } from '../../src/http/transaction-answer.ts';
import type { PostResult } from '../../src/ledger/post.ts';
import type { PostRequest } from '../../src/ledger/request.ts';
import { emptyHouse, inject, payment, post, problemIn, transactionView } from './house.ts';

const id = '0199d5d0-0000-7000-8000-00000000000a';
const reservation = transactionView({
  id,
  status: 'PENDING',
  reservation: {
    postings: [{ from: 'alice:WALLET', to: 'bob:WALLET', amount: 1250n, currency: 'EUR' }],
    expiresAt: new Date('2026-02-01T00:00:00Z'),
    resolvedAt: null,
    transactionId: null,
  },
});

/** An app that does what it is asked, and remembers it. */
function obeying(result: PostResult = { kind: 'created', transaction: transactionView({ settles: id }) }) {
  const asked: { how: 'post' | 'preview'; request: PostRequest }[] = [];
  const act = (how: 'post' | 'preview') => async (_: number, requests: readonly PostRequest[]) => {
    asked.push(...requests.map((request) => ({ how, request })));
    return { results: [result], position: '0/16B3748' };
  };
  const app = createApp(emptyHouse({ post: act('post'), preview: act('preview') }));
  const step = (name: string, body?: unknown, headers: Record<string, string> = {}, of = id) =>
    inject(app, {
      method: 'POST',
      url: `/v1/ledgers/main/transactions/${of}/${name}`,
      headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  return { app, asked, step };
}

describe('a reservation', () => {
  it('is asked for with the status PENDING, and a time at which it ends', async () => {
    const { app, asked } = obeying({ kind: 'created', transaction: reservation });
    const body = { ...payment, status: 'PENDING', expires_at: '2026-02-01T01:00:00+01:00' };
    const response = await post(app, body);
    expect(response.statusCode).toBe(201);
    expect(response.headers.location).toBe(`/v1/ledgers/main/transactions/${id}`);
    expect(Value.Errors(TransactionAnswer, response.json())).toEqual([]);
    expect(response.json()).toMatchObject({
      status: 'PENDING',
      reservation: {
        expires_at: '2026-02-01T00:00:00.000Z',
        resolved_at: null,
        transaction_id: null,
        postings: [{ from: 'alice:WALLET', to: 'bob:WALLET', amount: '1250', currency: 'EUR' }],
      },
    });
    expect(asked[0]?.request).toMatchObject({
      status: 'PENDING',
      expiresAt: new Date('2026-02-01T00:00:00Z'),
    });
  });

  it('alone has a time at which it ends', async () => {
    const { app } = obeying();
    for (const status of ['SUCCESS', 'FAILED', undefined]) {
      const body = { ...payment, status, expires_at: '2026-02-01T00:00:00Z' };
      const { errors } = problemIn(await post(app, body), 400, 'invalid_request');
      expect(errors).toEqual([expect.objectContaining({ pointer: '#/expires_at' })]);
    }
    for (const expires_at of ['2026-02-30T00:00:00Z', '2026-02-01', 'soon', 7, null]) {
      const { errors } = problemIn(
        await post(app, { ...payment, status: 'PENDING', expires_at }),
        400,
        'invalid_request',
      );
      expect(errors).toEqual([expect.objectContaining({ pointer: '#/expires_at' })]);
    }
  });

  it('is settled whole, in part, or posting by posting', async () => {
    const { asked, step } = obeying();
    const whole = await step('settle');
    expect(whole.statusCode).toBe(201);
    expect(whole.json()).toMatchObject({ settles: id });
    expect(whole.headers.location).toBe(`/v1/ledgers/main/transactions/${transactionView().id}`);
    expect(whole.headers['x-ledger-position']).toBe('0/16B3748');
    await step('settle', {});
    await step('settle', { amount: 7 });
    await step('settle', { amount: '8' });
    await step('settle', { amounts: ['0', 9, '10'] }, {}, id.toUpperCase());
    expect(asked.map(({ request }) => request)).toEqual([
      { settle: id, amounts: undefined },
      { settle: id, amounts: undefined },
      { settle: id, amounts: [7n] },
      { settle: id, amounts: [8n] },
      { settle: id, amounts: [0n, 9n, 10n] },
    ]);
  });

  it.each<[unknown, string]>([
    [{ amount: 0 }, '#/amount'],
    [{ amount: '0' }, '#/amount'],
    [{ amount: '9999999999999999999' }, '#/amount'],
    [{ amount: -1 }, '#/amount'],
    [{ amounts: [] }, '#/amounts'],
    [{ amounts: ['01'] }, '#/amounts/0'],
    [{ amounts: ['1', '9999999999999999999'] }, '#/amounts/1'],
    [{ amounts: Array(101).fill('1') }, '#/amounts'],
    [{ amount: '1', amounts: ['1'] }, '#/amount'],
    [{ dry_run: 'yes' }, '#/dry_run'],
    [{ other: 1 }, '#/other'],
    [null, '#'],
    [[], '#'],
  ])('is not settled by %j', async (body, pointer) => {
    const { asked, step } = obeying();
    const { errors } = problemIn(await step('settle', body), 400, 'invalid_request');
    expect(errors?.map((fault) => fault.pointer)).toEqual([pointer]);
    expect(asked).toEqual([]);
  });

  it('is voided, and then answered itself', async () => {
    const voided = { ...reservation, status: 'VOIDED' as const };
    const { asked, step } = obeying({ kind: 'created', transaction: voided });
    const response = await step('void');
    expect(response.statusCode).toBe(200);
    expect(response.headers.location).toBeUndefined();
    expect(response.json()).toMatchObject({ id, status: 'VOIDED', entries: [] });
    expect(asked.map(({ request }) => request)).toEqual([{ void: id }]);
    problemIn(await step('void', { amount: 1 }), 400, 'invalid_request');
  });
});

describe('a reversal', () => {
  it('says of itself what it is told, and leaves the rest to the transaction it reverses', async () => {
    const { asked, step } = obeying({ kind: 'created', transaction: transactionView({ reverses: id }) });
    const bare = await step('reverse');
    expect([bare.statusCode, bare.json().reverses]).toEqual([201, id]);
    await step('reverse', {
      user_id: 'u',
      reference_code: 'r',
      description: 'd',
      effective_at: '2026-01-01T00:00:00Z',
      metadata: { a: 1 },
    });
    expect(asked[0]?.request).toEqual({ reverse: id });
    expect(asked[1]?.request).toEqual({
      reverse: id,
      userId: 'u',
      referenceCode: 'r',
      description: 'd',
      effectiveAt: new Date('2026-01-01T00:00:00Z'),
      metadata: { a: 1 },
    });
    const { errors } = problemIn(
      await step('reverse', { postings: [], user_id: 'a\0' }),
      400,
      'invalid_request',
    );
    expect(errors?.map((fault) => fault.pointer)).toEqual(['#/postings']);
    const wrong = problemIn(await step('reverse', { user_id: 'a\0' }), 400, 'invalid_request');
    expect(wrong.errors?.map((fault) => fault.pointer)).toEqual(['#/user_id']);
  });
});

describe('each of these', () => {
  it('takes an empty body with and without a type, and refuses what is no JSON', async () => {
    const { step } = obeying();
    for (const name of ['settle', 'void', 'reverse']) {
      expect((await step(name)).statusCode).toBeLessThan(300);
      expect((await step(name, '')).statusCode).toBeLessThan(300);
      expect((await step(name, '{}')).statusCode).toBeLessThan(300);
      problemIn(await step(name, '{'), 400, 'invalid_json');
      problemIn(await step(name, '{}', { 'content-type': 'text/plain' }), 415, 'unsupported_media_type');
      problemIn(await step(name, {}, {}, 'x'), 400, 'invalid_request');
    }
  });

  it('has a fingerprint of its own, so that one key cannot serve two of them', async () => {
    const { app, asked, step } = obeying();
    const key = { 'idempotency-key': 'k' };
    const other = id.replace('a', 'b');
    await step('settle', undefined, key);
    await step('void', undefined, key);
    await step('reverse', undefined, key);
    await step('settle', undefined, key, other);
    await step('settle', { amount: 1 }, key);
    await post(app, payment, key);
    const prints = asked.map(({ request }) => request.idempotency?.fingerprint.toString('hex'));
    expect(new Set(prints).size).toBe(6);
    expect(asked.every(({ request }) => request.idempotency?.key === 'k')).toBe(true);
    asked.length = 0;
    // The same, said otherwise.
    await step('settle', { amounts: ['1'] }, key, id.toUpperCase());
    await step('void', '{}', key);
    await step('reverse', { dry_run: false }, key);
    const again = asked.map(({ request }) => request.idempotency?.fingerprint.toString('hex'));
    expect(again).toEqual([prints[4], prints[1], prints[2]]);
  });

  it('answers a replay and a refusal as posting does', async () => {
    const replayed = obeying({ kind: 'replayed', transaction: transactionView() });
    const refused = obeying({
      kind: 'refused',
      error: new AppError('conflict', 'reservation_settled', 'It is settled.'),
    });
    for (const name of ['settle', 'void', 'reverse']) {
      const response = await replayed.step(name, undefined, { 'idempotency-key': 'k' });
      expect(response.headers['idempotency-replayed']).toBe('true');
      problemIn(await refused.step(name), 409, 'reservation_settled');
    }
  });

  it('with dry_run is asked about, not done, and no two wait for each other', async () => {
    const { app, asked, step } = obeying();
    const key = { 'idempotency-key': 'k' };
    const responses = await Promise.all([
      post(app, { ...payment, dry_run: true }, key),
      post(app, { ...payment, dry_run: true }, key),
      step('settle', { dry_run: true }, key),
      step('void', { dry_run: true }, key),
      step('reverse', { dry_run: true }, key),
    ]);
    for (const response of responses) {
      expect(response.statusCode).toBe(200);
      expect(response.json().dry_run).toBe(true);
      expect(response.headers.location).toBeUndefined();
      expect(response.headers['x-ledger-position']).toBeUndefined();
      expect(Value.Errors(TransactionAnswer, response.json())).toEqual([]);
    }
    expect(asked.map(({ how }) => how)).toEqual(Array(5).fill('preview'));
    expect(asked.every(({ request }) => request.idempotency?.key === 'k')).toBe(true);
  });
});
