import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { AppError } from '../../src/core/errors.ts';
import { createBatcher } from '../../src/ledger/batcher.ts';
import type { Poster, PostResult } from '../../src/ledger/post.ts';
import type { PostRequest } from '../../src/ledger/request.ts';
import { reasons, watchLoads, watchPosting } from '../../src/main/measured-posting.ts';
import { createMetrics } from '../../src/platform/metrics.ts';
import { transactionView } from '../http/house.ts';
import { countsOf, samplesOf } from '../platform/metrics-samples.ts';

const request: PostRequest = { postings: [{ from: 'a:X', to: 'b:X', amount: 1n, currency: 'EUR' }] };
const created = (status: 'SUCCESS' | 'FAILED' | 'PENDING' | 'VOIDED'): PostResult => ({
  kind: 'created',
  transaction: transactionView({ status }),
});
const refused = (code: string): PostResult => ({ kind: 'refused', error: new AppError('refused', code, '') });
const replayed: PostResult = { kind: 'replayed', transaction: transactionView() };

/** A watched batcher over a poster that does what the test says. */
function open(
  post: Poster['post'],
  { queueMax = 100, batchMs = 25_000, parallel = 1, clock = systemClock } = {},
) {
  const metrics = createMetrics();
  const posting = watchPosting(metrics, { queueMax });
  const batcher = createBatcher({
    poster: { post },
    clock,
    queueMax,
    batchMs,
    parallel,
    observer: posting.observer,
  });
  posting.watch(batcher);
  return { metrics, batcher, counts: () => countsOf(metrics.page, 'posting_transactions_total') };
}

const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

describe('posting is counted', () => {
  it('by what became of each transaction', async () => {
    const results = [
      ...(['SUCCESS', 'SUCCESS', 'FAILED', 'PENDING', 'VOIDED'] as const).map(created),
      replayed,
      refused('insufficient_funds'),
      refused('something_new'),
    ];
    const { metrics, batcher, counts } = open(async () => results);
    await batcher.post(
      1,
      results.map(() => request),
    );
    expect(await counts()).toEqual({
      '{outcome="booked",reason="none"}': 2,
      '{outcome="recorded",reason="none"}': 1,
      '{outcome="reserved",reason="none"}': 1,
      '{outcome="freed",reason="none"}': 1,
      '{outcome="replayed",reason="none"}': 1,
      '{outcome="refused",reason="insufficient_funds"}': 1,
      '{outcome="refused",reason="other"}': 1,
    });
    expect(await samplesOf(metrics.page)).toMatchObject({
      posting_replays_total: 1,
      posting_batch_size_sum: 8,
      posting_batch_size_count: 1,
      'posting_batch_duration_seconds_count{outcome="posted"}': 1,
      posting_wait_seconds_count: 1,
      posting_queue_limit: 100,
    });
  });

  it('with what waits and what is under way at the moment, and who is sent away', async () => {
    const answer = Promise.withResolvers<PostResult[]>();
    const { metrics, batcher, counts } = open(() => answer.promise, { queueMax: 2 });
    const posts = [batcher.post(1, [request])];
    await turn();
    posts.push(batcher.post(1, [request]), batcher.post(1, [request]));
    await expect(batcher.post(1, [request])).rejects.toMatchObject({ code: 'overloaded' });
    expect(await samplesOf(metrics.page)).toMatchObject({
      posting_queue_transactions: 2,
      posting_batches_in_flight: 1,
    });
    expect(await counts()).toEqual({ '{outcome="failed",reason="overloaded"}': 1 });
    answer.resolve([created('SUCCESS'), created('SUCCESS')]);
    await Promise.all(posts);
    expect(await samplesOf(metrics.page)).toMatchObject({
      posting_queue_transactions: 0,
      posting_batches_in_flight: 0,
    });
  });

  it('with the time for which requests waited', async () => {
    const at = { ms: 0 };
    const clock = { now: () => new Date(at.ms) };
    const { metrics, batcher } = open(async (_ledger, { length }) => Array(length).fill(created('SUCCESS')), {
      clock,
    });
    const post = batcher.post(1, [request]);
    at.ms = 3000;
    await post;
    expect((await samplesOf(metrics.page)).posting_wait_seconds_sum).toBe(3);
  });

  it('once a request, also when its batch comes to an end that nobody waits for any more', async () => {
    const answer = Promise.withResolvers<PostResult[]>();
    const { metrics, batcher, counts } = open(() => answer.promise, { batchMs: 5 });
    await expect(batcher.post(1, [request])).rejects.toMatchObject({ code: 'outcome_unknown' });
    answer.resolve([created('SUCCESS')]);
    await turn();
    expect(await counts()).toEqual({ '{outcome="failed",reason="outcome_unknown"}': 1 });
    expect(await samplesOf(metrics.page)).toMatchObject({
      'posting_batch_duration_seconds_count{outcome="posted"}': 1,
    });
  });

  it('with batches that failed, and those that were posted one by one', async () => {
    const { metrics, batcher, counts } = open(async (_ledger, requests) => {
      if (requests.length > 1) throw new Error('one of them cannot be booked');
      throw new AppError('unavailable', 'database_unavailable', '');
    });
    const ends = await Promise.allSettled([batcher.post(1, [request]), batcher.post(1, [request])]);
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(batcher.post(1, [request])).rejects.toThrow();
    expect(await counts()).toEqual({ '{outcome="failed",reason="database_unavailable"}': 3 });
    expect(await samplesOf(metrics.page)).toMatchObject({
      'posting_batch_duration_seconds_count{outcome="apart"}': 1,
      'posting_batch_duration_seconds_count{outcome="failed"}': 1,
    });
  });

  it('by reasons that are known, whatever the code', async () => {
    const metrics = createMetrics();
    const { observer } = watchPosting(metrics, { queueMax: 1 });
    await fc.assert(
      fc.asyncProperty(fc.string(), async (code) => {
        observer.onResults([refused(code)]);
        observer.onFailure(1, new AppError('internal', code, ''));
        observer.onFailure(1, new Error(code));
        const found = Object.keys(await countsOf(metrics.page, 'posting_transactions_total'));
        const told = found.map((sample) => /reason="([^"]*)"/.exec(sample)?.[1] ?? '');
        expect(told.filter((reason) => !reasons.has(reason) && reason !== 'other')).toEqual([]);
      }),
    );
  });
});

it('rows of loads are counted by what became of them', async () => {
  const metrics = createMetrics();
  const onRows = watchLoads(metrics);
  expect(await samplesOf(metrics.page)).toMatchObject({ 'load_rows_total{outcome="rejected"}': 0 });
  onRows({ booked: 3, rejected: 1 });
  onRows({ booked: 2, rejected: 0 });
  expect(await countsOf(metrics.page, 'load_rows_total')).toEqual({
    '{outcome="booked"}': 5,
    '{outcome="rejected"}': 1,
  });
});
