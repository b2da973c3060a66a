import { type Bench, runBench } from './bench.ts';
import { openBooks, verifyBooks } from './books.ts';
import { measureLoadAgainstCopy } from './copy-limit.ts';
import { openServer, withClient } from './database.ts';
import { startLoadGenerator } from './load.ts';
import { readOptions } from './options.ts';
import { runCommand, startServer } from './server-process.ts';
import { ACCOUNTS, measurePosting } from './write-figures.ts';

/**
 * Writing: posting over HTTP against the textbook way behind the same HTTP server, and a bulk load against the bare
 * COPY of the same rows. docs/performance.md says what each figure means.
 */
const options = readOptions(process.argv.slice(2), { rows: [500_000], rounds: 3, seconds: 8 });

await runBench(options, async (bench) => {
  const server = await openServer(bench);
  const url = await server.createDatabase();
  const environment = { QM_DATABASE_URL: url };
  await runCommand(bench, ['migrate', 'up'], environment);
  await runCommand(bench, ['run', 'reconcile-partitions'], environment);

  if (bench.wants('write.')) {
    await withClient(url, (client) => openBooks(bench, client, ACCOUNTS));
    const key = await createKey(bench, environment);
    const ours = await startServer(bench, 'The API', ['src/main/cli.ts', 'api'], environment);
    const textbook = await startServer(bench, 'The textbook', ['bench/textbook-server.ts'], environment);
    const acknowledged = await measurePosting(bench, startLoadGenerator(bench), {
      ours: { ...ours, key },
      textbook: { ...textbook, key },
      postgres: server.pid,
    });
    await withClient(url, async (client) => {
      await verifyBooks(client, 'ours', acknowledged.ours);
      await verifyBooks(client, 'textbook', acknowledged.textbook);
    });
    bench.say(`The books of both sides agree with what was acknowledged: ${JSON.stringify(acknowledged)}.`);
  }
  if (bench.wants('load/copy')) await measureLoadAgainstCopy(bench, url, environment);
});

/** A key of the API, which the textbook side knows too. */
async function createKey(bench: Bench, environment: Record<string, string>): Promise<string> {
  const args = ['keys', 'create', '--name', 'bench', '--role', 'writer', '--json'];
  return (JSON.parse(await runCommand(bench, args, environment)) as { token: string }).token;
}
