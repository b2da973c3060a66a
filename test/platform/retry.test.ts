import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAppError } from '../../src/core/errors.ts';
import { type RetryOptions, retry, whileWanted } from '../../src/platform/retry.ts';

const quick: RetryOptions = { retryable: () => true, attempts: 5, baseMs: 1, capMs: 4 };

describe('retry', () => {
  it('tries until the action succeeds', async () => {
    let tries = 0;
    const result = await retry(async () => {
      if (++tries < 4) throw new Error('not yet');
      return 'done';
    }, quick);
    expect([result, tries]).toEqual(['done', 4]);
  });

  it('throws the last failure when its tries are used up', async () => {
    let tries = 0;
    const attempt = retry(async () => {
      throw new Error(`try ${++tries}`);
    }, quick);
    await expect(attempt).rejects.toThrow('try 5');
  });

  it('does not repeat what cannot pass by itself', async () => {
    let tries = 0;
    const attempt = retry(
      async () => {
        tries++;
        throw new Error('constraint');
      },
      { ...quick, retryable: () => false },
    );
    await expect(attempt).rejects.toThrow('constraint');
    expect(tries).toBe(1);
  });

  it('waits between nothing and an exponentially growing, capped time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), async (chance) => {
        const waits: number[] = [];
        const options = {
          ...quick,
          random: () => chance,
          onRetry: (_e: unknown, _n: number, ms: number) => void waits.push(ms),
        };
        await retry(async () => Promise.reject(new Error('no')), options).catch(() => undefined);
        expect(waits).toEqual([1, 2, 4, 4].map((limit) => chance * limit));
      }),
      { numRuns: 20 },
    );
  });

  it('stops waiting when it is asked to', async () => {
    const controller = new AbortController();
    const options = { ...quick, baseMs: 1e6, capMs: 1e6, random: () => 1, signal: controller.signal };
    const attempt = retry(async () => Promise.reject(new Error('no')), {
      ...options,
      onRetry: () => controller.abort(),
    });
    await expect(attempt).rejects.toSatisfy((error) => isAppError(error, 'aborted'));
  });
});

describe('work that is wanted for a while', () => {
  it('gives what it comes to, and is given up with the reason of the signal', async () => {
    const stop = new AbortController();
    expect(await whileWanted(Promise.resolve('done'), stop.signal)).toBe('done');
    const failed = whileWanted(Promise.reject(new Error('so it is')), stop.signal);
    await expect(failed).rejects.toThrow('so it is');
    const endless = whileWanted(new Promise(() => {}), stop.signal);
    stop.abort(new Error('late'));
    await expect(endless).rejects.toThrow('late');
    await expect(whileWanted(new Promise(() => {}), stop.signal)).rejects.toThrow('late');
  });
});
