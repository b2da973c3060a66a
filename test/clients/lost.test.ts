import { describe, expect, it } from 'vitest';
import type { RetryChange } from '../../clients/typescript/src/index.ts';
import { usualRetries } from '../../clients/typescript/src/retry.ts';
import { answered, broken, payment, problem, silence } from './answers.ts';
import { quick } from './house.ts';

describe('a write of which a try was lost', () => {
  const full = () => problem(503, 'queue_full');
  const post = ({ api }: ReturnType<typeof answered>) =>
    api.transactions.post('main', payment, { idempotencyKey: 'order-7' });

  it('is not told as refused by what another try was answered', async () => {
    const late = answered([full, () => silence(late.sent.at(-1) as Request)], {
      retry: { ...quick, within: 50 },
    });
    await expect(post(late)).rejects.toMatchObject({
      ...{ status: 0, code: 'deadline', idempotencyKey: 'order-7', cause: { code: 'queue_full' } },
    });
    expect(late.sent).toHaveLength(2);

    const lost = answered([broken, full, full], { retry: { ...quick, tries: 3 } });
    await expect(post(lost)).rejects.toMatchObject({
      ...{ status: 0, code: 'no_answer', idempotencyKey: 'order-7', cause: { code: 'queue_full' } },
      message: expect.stringContaining('with the same key'),
    });
  });

  it.each([
    ['a token that has ended', () => problem(401, 'invalid_key'), 'no_answer'],
    ['a longer pause than is made', () => problem(503, 'busy', { 'retry-after': '60' }), 'no_answer'],
    ['what looked at the request', () => problem(422, 'insufficient_funds'), 'insufficient_funds'],
  ])('and then %s', async (_, answer, code) => {
    await expect(post(answered([broken, answer]))).rejects.toMatchObject({ code });
  });

  it('in a proxy is one too', async () => {
    const behind = answered([() => new Response('<html>', { status: 504 }), full], {
      retry: { ...quick, tries: 2 },
    });
    await expect(post(behind)).rejects.toMatchObject({ status: 504, cause: { code: 'queue_full' } });
  });

  it('is refused where every try was answered', async () => {
    const refused = answered([full, full], { retry: { ...quick, tries: 2 } });
    await expect(post(refused)).rejects.toMatchObject({ code: 'queue_full', idempotencyKey: 'order-7' });
  });

  it('can be asked again with the key that was made for it', async () => {
    const { api, sent } = answered([broken, broken, () => Response.json({ id: 't' })], {
      retry: { ...quick, tries: 2 },
    });
    const error = (await api.transactions.post('main', payment).catch((thrown) => thrown)) as {
      idempotencyKey: string;
    };
    await api.transactions.post('main', payment, { idempotencyKey: error.idempotencyKey });
    expect(new Set(sent.map(({ headers }) => headers.get('idempotency-key')))).toEqual(
      new Set([error.idempotencyKey]),
    );
    const batch = answered([broken], { retry: false });
    await expect(
      batch.api.transactions.postBatch('main', [payment, { ...payment, idempotency_key: 'k' }]),
    ).rejects.toMatchObject({ idempotencyKeys: [expect.stringMatching(/^[0-9a-f-]{36}$/), 'k'] });
  });
});

describe('limits', () => {
  const count = async (client: RetryChange, call: RetryChange) => {
    const { api, sent } = answered(
      Array.from({ length: 30 }, () => broken),
      { retry: client },
    );
    await api.transactions.post('main', payment, { retry: call }).catch(() => {});
    return sent.length;
  };

  it('that are undefined are as usual', async () => {
    const none = { ...quick, tries: undefined, within: undefined, longestDelay: undefined };
    expect(await count(none, undefined)).toBe(usualRetries.tries);
    expect(await count({ ...quick, tries: 3 }, { tries: undefined, within: undefined })).toBe(3);
  });

  it('of a call may be none', async () => {
    expect(await count(quick, false)).toBe(1);
    expect(await count(false, { ...quick, tries: 2 })).toBe(2);
    expect(await count(false, undefined)).toBe(1);
  });
});
