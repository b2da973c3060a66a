/**
 * Drops, restores or releases a quarter in a process of its own, for tests that kill it.
 *
 *   node restore-child.ts URL DIRECTORY VERB QUARTER INTO STEP
 *
 * At the step of that name it kills itself as `kill -9` would. INTO and STEP may be empty. Otherwise it prints its report, or
 * `{"failed": code}`.
 */
import { dropQuarter } from '../../src/quarters/drop.ts';
import { releaseQuarter } from '../../src/quarters/release.ts';
import { restoreQuarter } from '../../src/quarters/restore.ts';
import { openArchiveHouse, run } from './archive-fixture.ts';

const [url = '', directory = '', verb = '', quarter = '', into = '', dieAt = ''] = process.argv.slice(2);
const verbs: Record<string, typeof restoreQuarter | typeof dropQuarter | typeof releaseQuarter> = {
  drop: dropQuarter,
  restore: restoreQuarter,
  release: releaseQuarter,
};
const house = openArchiveHouse(url, directory);
const step = async (name: string) => {
  if (name !== dieAt) return;
  process.kill(process.pid, 'SIGKILL');
  await new Promise(() => {});
};
const report = await verbs[verb]?.(house, { ...run, step, into: into || undefined }, quarter).catch(
  ({ code }: { code?: string }) => ({ failed: code }),
);
process.stdout.write(`${JSON.stringify(report)}\n`);
await house.database.close();
