import { openDatabase } from '../../src/db/database.ts';
import { createRouter } from '../../src/db/routing.ts';

/** A process that reads from a replica, says so, and ends in order when its input does. */
const [databaseUrl, replicaUrl] = process.argv.slice(2);
const database = openDatabase({ databaseUrl, replicaUrl });
const router = createRouter({ database, maxLagMs: 60_000 });
await router.start();
await Promise.all([1, 2, 3].map(() => router.read('list', {}, async () => undefined)));
process.stdout.write('reads\n');
process.stdin.resume().once('end', async () => {
  await router.stop();
  await database.close();
});
