import { describe, expect, it } from 'vitest';
import { createTurns } from '../../src/platform/turns.ts';

const refusal = () => new Error('busy');

describe('turns', () => {
  it('are taken in the order in which callers came, so many at once', async () => {
    const turns = createTurns({ most: 2, waitMs: 60_000, refusal });
    const ends = [1, 2, 3, 4, 5].map(() => Promise.withResolvers<void>());
    const begun: number[] = [];
    const all = ends.map(({ promise }, i) =>
      turns(async () => {
        begun.push(i);
        await promise;
        return i;
      }),
    );
    await Promise.resolve();
    expect(begun).toEqual([0, 1]);
    // One that fails gives its place on too.
    ends[1]?.reject(new Error('failed'));
    await expect(all[1]).rejects.toThrow('failed');
    expect(begun).toEqual([0, 1, 2]);
    for (const { resolve } of ends) resolve();
    expect(await Promise.all(all.filter((_, i) => i !== 1))).toEqual([0, 2, 3, 4]);
    expect(begun).toEqual([0, 1, 2, 3, 4]);
    expect(await turns(async () => 'free')).toBe('free');
  });

  it('are waited for no longer than that, and not by who has gone', async () => {
    const turns = createTurns({ most: 1, waitMs: 20, refusal });
    const end = Promise.withResolvers<void>();
    const first = turns(() => end.promise);
    const gone = new AbortController();
    const leaving = turns(async () => 'never', gone.signal);
    gone.abort();
    await expect(leaving).rejects.toMatchObject({ code: 'aborted' });
    await expect(turns(async () => 'never')).rejects.toThrow('busy');
    end.resolve();
    await first;
    expect(await turns(async () => 'free')).toBe('free');
  });

  it.each([0, 1, 2, 3, 4, 5])(
    'are not lost to who goes as one becomes free, %i steps later',
    async (steps) => {
      const turns = createTurns({ most: 1, waitMs: 1000, refusal });
      const end = Promise.withResolvers<void>();
      const first = turns(() => end.promise);
      const gone = new AbortController();
      const leaving = turns(async () => 'never', gone.signal).catch(() => 'left');
      end.resolve();
      for (let step = 0; step < steps; step++) await Promise.resolve();
      gone.abort();
      await Promise.all([first, leaving]);
      expect(await turns(async () => 'free')).toBe('free');
    },
  );
});
