// A worker whose main thread is busy: it says which job it was given, stands still for so long, and says whether the job is
// still its own.
import { setTimeout as delay } from 'node:timers/promises';
import { openDatabase } from '../../src/db/database.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { createQueue } from '../../src/queue/queue.ts';
import { testJob } from './harness.ts';

const [url, name, seconds] = process.argv.slice(2) as [string, string, string];
const queue = createQueue({
  db: openDatabase({ databaseUrl: url }).write,
  url,
  zone: 'UTC',
  logger: createLogger('silent'),
  pollEvery: 0.5,
});
await queue.start([
  testJob(name, async (_data, run) => {
    process.stdout.write(`${run.id}\n`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(seconds) * 1000);
    // Two heartbeats more, by which it learns of it.
    await delay(5000, undefined, { signal: run.signal }).catch(() => {});
    process.stdout.write(run.signal.aborted ? 'lost\n' : 'kept\n');
    return {};
  }),
]);
