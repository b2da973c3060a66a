import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { calendar } from '../../src/core/quarter.ts';
import { createWorkerPart, type WorkerPartOptions } from '../../src/main/worker-part.ts';
import { readConfig } from '../../src/platform/config.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { createMetrics } from '../../src/platform/metrics.ts';

it('a worker that is asked to stop while it starts begins no work', async () => {
  const stop = new AbortController();
  let works = false;
  const part = createWorkerPart({
    // Nobody is there; what is read of it fails, and is said to nobody.
    config: readConfig({ QM_DATABASE_URL: 'postgres://127.0.0.1:1/none', QM_WORKER_PORT: '0' }),
    clock: systemClock,
    calendar: calendar('UTC'),
    version: '0',
    logger: createLogger('silent'),
    metrics: createMetrics(),
    jobs: [],
    signal: stop.signal,
    opening: { open: async () => stop.abort(), isOpen: () => true, checks: () => [], close: async () => {} },
    checkQueue: async () => {},
    queue: {
      start: async () => {
        works = true;
      },
      stop: async () => {},
    },
  } as unknown as WorkerPartOptions);
  onTestFinished(() => part.stop());
  await expect(part.start()).rejects.toMatchObject({ code: 'aborted' });
  expect(works).toBe(false);
});
