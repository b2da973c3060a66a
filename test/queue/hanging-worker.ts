// A worker to be killed: prints the id of the job it was given, and never finishes it.
import { openDatabase } from '../../src/db/database.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { createQueue } from '../../src/queue/queue.ts';
import { testJob } from './harness.ts';

const [url, name] = process.argv.slice(2) as [string, string];
const queue = createQueue({
  db: openDatabase({ databaseUrl: url }).write,
  url,
  zone: 'UTC',
  logger: createLogger('silent'),
  pollEvery: 0.5,
});
await queue.start([
  testJob(name, (_data, run) => {
    process.stdout.write(`${run.id}\n`);
    return new Promise<object>(() => {});
  }),
]);
