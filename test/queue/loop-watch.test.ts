import type { WipData } from 'pg-boss';
import { expect, it } from 'vitest';
import { createLoopWatch } from '../../src/queue/loop-watch.ts';

it('a worker whose loops look for nothing any more is said to be stalled, until one looks again', () => {
  let now = 0;
  const begin = () => {
    const start = now;
    return () => now - start;
  };
  let loops: Partial<WipData>[] = [{ count: 0, lastFetchedOn: null }];
  const look = createLoopWatch(() => loops as WipData[], begin);
  look();
  now = 30;
  look();
  now = 31;
  expect(look).toThrow(/No look for work has succeeded for 31 s/);
  loops = [
    { count: 0, lastFetchedOn: 1 },
    { count: 0, lastFetchedOn: 7 },
  ];
  look();
  now = 60;
  look();
  now = 62;
  expect(look).toThrow('worker_stalled');
  // Busy with something is not stalled.
  loops = [{ count: 1, lastFetchedOn: 7 }];
  look();
  now = 600;
  look();
});
