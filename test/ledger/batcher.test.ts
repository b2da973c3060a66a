import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { AppError } from '../../src/core/errors.ts';
import { type BatcherOptions, createBatcher } from '../../src/ledger/batcher.ts';
import type { Poster, PostResult } from '../../src/ledger/post.ts';
import type { PostRequest } from '../../src/ledger/request.ts';

interface Call {
  readonly ledgerId: number;
  readonly names: readonly string[];
  readonly atomic: boolean;
  readonly answer: (outcome?: Error) => void;
}

/** A poster whose every call waits until the test answers it. */
function slowPoster() {
  const calls: Call[] = [];
  const poster: Poster = {
    post: (ledgerId, requests, options = {}) =>
      new Promise((resolve, reject) => {
        const names = requests.map(nameOf);
        const answer = (failure?: Error) =>
          failure ? reject(failure) : resolve(names.map((name) => resultOf(name)));
        calls.push({ ledgerId, names, atomic: options.atomic ?? false, answer });
      }),
  };
  return { poster, calls };
}

function nameOf(request: PostRequest): string {
  return 'postings' in request ? (request.referenceCode ?? '') : '';
}

function resultOf(name: string): PostResult {
  return { kind: 'refused', error: new AppError('refused', name, '') };
}

const request = (name: string, key?: string): PostRequest => ({
  postings: [{ from: 'a:X', to: 'b:X', amount: 1n, currency: 'EUR' }],
  referenceCode: name,
  idempotency: key === undefined ? undefined : { key, fingerprint: Buffer.alloc(32) },
});

/** After the batcher's turn of the event loop. */
const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

const codesOf = (posted: { results: readonly PostResult[] }) =>
  posted.results.map((result) => (result.kind === 'refused' ? result.error.code : result.kind));

async function failure(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'resolved',
    (error: AppError) => error.code,
  );
}

/** So long that no batch of a test begins because somebody has waited. */
const LONG = [60_000, 60_000] as const;

const open = (poster: Poster, options: Omit<BatcherOptions, 'poster' | 'clock'>) =>
  createBatcher({ poster, clock: systemClock, ...options });

describe('a batcher', () => {
  it('begins a lone request at once, and gathers what comes while it is under way', async () => {
    const { poster, calls } = slowPoster();
    const batcher = open(poster, { queueMax: 100, parallel: 1, lingerMs: LONG });
    const first = batcher.post(1, [request('a')]);
    await turn();
    expect(calls.map(({ names }) => names)).toEqual([['a']]);
    const others = ['b', 'c', 'd'].map((name) => batcher.post(1, [request(name)]));
    await turn();
    expect(calls).toHaveLength(1);
    calls[0]?.answer();
    expect(codesOf(await first)).toEqual(['a']);
    await turn();
    expect(calls[1]?.names).toEqual(['b', 'c', 'd']);
    calls[1]?.answer();
    expect((await Promise.all(others)).map(codesOf)).toEqual([['b'], ['c'], ['d']]);
  });

  it('begins another batch beside the first when enough wait, up to its limit', async () => {
    const { poster, calls } = slowPoster();
    const batcher = open(poster, { queueMax: 100, parallel: 2, batchMax: 3, lingerMs: LONG });
    const posts = [batcher.post(1, [request('a')])];
    await turn();
    posts.push(batcher.post(1, [request('b')]), batcher.post(1, [request('c')]));
    await turn();
    expect(calls).toHaveLength(1);
    posts.push(batcher.post(1, [request('d')]));
    await turn();
    expect(calls.map(({ names }) => names)).toEqual([['a'], ['b', 'c', 'd']]);
    for (let index = 0; index < 3; index++) posts.push(batcher.post(1, [request('e')]));
    await turn();
    expect(calls).toHaveLength(2);
    for (const call of calls) call.answer();
    await turn();
    calls[2]?.answer();
    await Promise.all(posts);
  });

  it('begins another batch beside the first when it would be as large, and no smaller than what pays', async () => {
    const { poster, calls } = slowPoster();
    const batcher = open(poster, { queueMax: 1000, parallel: 3, lingerMs: LONG });
    const posts: Promise<unknown>[] = [];
    const many = (count: number) => {
      for (let index = 0; index < count; index++) posts.push(batcher.post(1, [request('a')]));
      return turn();
    };
    const sizes = () => calls.map(({ names }) => names.length);
    await many(40);
    await many(39);
    expect(sizes()).toEqual([40]);
    await many(1);
    expect(sizes()).toEqual([40, 40]);
    for (const call of calls) call.answer();
    await turn();
    // After a small one few are enough, but not so few that batches dwindle.
    await many(2);
    await many(23);
    expect(sizes()).toEqual([40, 40, 2]);
    await many(1);
    expect(sizes()).toEqual([40, 40, 2, 24]);
    for (const call of calls) call.answer();
    await Promise.all(posts);
  });

  it('keeps ledgers and atomic requests apart, and a batch within its size', async () => {
    const { poster, calls } = slowPoster();
    const batcher = open(poster, { queueMax: 100, parallel: 1, batchMax: 3, lingerMs: LONG });
    const posts = [
      batcher.post(1, [request('a')]),
      batcher.post(2, [request('x')]),
      batcher.post(1, [request('b'), request('c')]),
      batcher.post(1, [request('d')]),
      batcher.post(1, [request('e')], { atomic: true }),
      batcher.post(1, [request('f')]),
    ];
    for (let batch = 0; batch < 5; batch++) {
      await turn();
      calls[batch]?.answer();
    }
    await Promise.all(posts);
    expect(calls.map(({ ledgerId, names, atomic }) => [ledgerId, names.join(''), atomic])).toEqual([
      [1, 'abc', false],
      [2, 'x', false],
      [1, 'd', false],
      [1, 'e', true],
      [1, 'f', false],
    ]);
  });

  it('refuses what its queue has no room for, and takes more when there is room again', async () => {
    const { poster, calls } = slowPoster();
    const batcher = open(poster, { queueMax: 3, parallel: 1, lingerMs: LONG });
    const first = batcher.post(1, [request('a')]);
    await turn();
    const second = batcher.post(1, [request('b'), request('c')]);
    expect(await failure(batcher.post(1, [request('d'), request('e')]))).toBe('overloaded');
    const third = batcher.post(1, [request('f')]);
    calls[0]?.answer();
    await turn();
    calls[1]?.answer();
    await Promise.all([first, second, third]);
    expect(calls[1]?.names).toEqual(['b', 'c', 'f']);
  });

  it('takes a request that is larger than the queue when nothing else waits', async () => {
    const { poster, calls } = slowPoster();
    const batcher = open(poster, { queueMax: 1 });
    const posted = batcher.post(1, [request('a'), request('b')]);
    await turn();
    calls[0]?.answer();
    expect(codesOf(await posted)).toEqual(['a', 'b']);
  });

  it('tells who waited too long that nothing was booked, and who hangs that it cannot know', async () => {
    const { poster, calls } = slowPoster();
    const batcher = open(poster, { queueMax: 9, parallel: 1, waitMs: 40, batchMs: 80 });
    const hanging = failure(batcher.post(1, [request('a')]));
    await turn();
    const waiting = failure(batcher.post(1, [request('b')]));
    expect(await hanging).toBe('outcome_unknown');
    expect(await waiting).toBe('overloaded');
    calls[0]?.answer();
    await turn();
    expect(calls).toHaveLength(1);
  });

  it('posts requests one by one when a batch fails for what one of them holds', async () => {
    const seen: string[][] = [];
    const poster: Poster = {
      post: async (_ledger, requests) => {
        const names = requests.map(nameOf);
        seen.push(names);
        if (names.includes('poison')) throw new AppError('invalid', 'invalid_value', 'no');
        return names.map(resultOf);
      },
    };
    const batcher = open(poster, { queueMax: 9 });
    const posts = ['a', 'poison', 'b'].map((name) => batcher.post(1, [request(name)]));
    expect(await Promise.all(posts.map(failure))).toEqual(['resolved', 'invalid_value', 'resolved']);
    expect(seen).toEqual([['a', 'poison', 'b'], ['a'], ['poison'], ['b']]);
  });

  it('sends again only those with a key when nobody knows whether a batch was booked', async () => {
    let calls = 0;
    const poster: Poster = {
      post: async (_ledger, requests) => {
        if (++calls === 1) throw new AppError('unavailable', 'outcome_unknown', 'lost');
        return requests.map((one) => resultOf(nameOf(one)));
      },
    };
    const batcher = open(poster, { queueMax: 9 });
    const posts = [batcher.post(1, [request('a')]), batcher.post(1, [request('b', 'key')])];
    expect(await Promise.all(posts.map(failure))).toEqual(['outcome_unknown', 'resolved']);
  });

  it('does not repeat a batch when the database is away', async () => {
    let calls = 0;
    const poster: Poster = {
      post: async () => {
        calls++;
        throw new AppError('unavailable', 'database_unavailable', 'away');
      },
    };
    const batcher = open(poster, { queueMax: 9 });
    const posts = ['a', 'b'].map((name) => failure(batcher.post(1, [request(name, name)])));
    expect(await Promise.all(posts)).toEqual(['database_unavailable', 'database_unavailable']);
    expect(calls).toBe(1);
  });

  it('asks for a missing quarter and tries again', async () => {
    let asked = 0;
    const poster: Poster = {
      post: async (_ledger, requests) => {
        if (asked < 2) throw new AppError('unavailable', 'no_partition', 'none');
        return requests.map((one) => resultOf(nameOf(one)));
      },
    };
    const batcher = open(poster, {
      queueMax: 9,
      onNoPartition: async () => {
        asked++;
      },
    });
    expect(codesOf(await batcher.post(1, [request('a')]))).toEqual(['a']);
    expect(asked).toBe(2);
  });
});
