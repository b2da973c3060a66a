import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toAppError } from '../../src/db/sqlstate.ts';
import { retry } from '../../src/platform/retry.ts';
import { archiveQuarter } from '../../src/quarters/archive.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { dropQuarter } from '../../src/quarters/drop.ts';
import { releaseQuarter } from '../../src/quarters/release.ts';
import { restoreQuarter } from '../../src/quarters/restore.ts';
import { migrateUp } from '../support/migrate.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { bookNastyPayments, closeQuarters, openArchiveHouse, run } from './archive-fixture.ts';
import { takeTo } from './restore-fixture.ts';
import { standing } from './support.ts';

let server: TestServer;
let directory: string;
let house: QuarterHouse;
const quarter = '2024q1';
const stand = async () => (await standing(house.database.direct))[0]?.slice(quarter.length + 1);
const restored = 'restored: attached fenced, attached fenced';
const dropped = 'dropped: missing, missing';

beforeAll(async () => {
  server = await startServer();
  directory = await mkdtemp(join(tmpdir(), 'test-outage-'));
  await migrateUp({ url: server.url, zone: 'UTC' });
  house = openArchiveHouse(server.url, directory);
  await bookNastyPayments(house, [{ quarter, transactions: 60 }]);
  await closeQuarters(house, [quarter]);
  await archiveQuarter(house, run, quarter);
  await takeTo(house, quarter, 'dropped');
});

afterAll(async () => {
  await house?.database.close();
  await server?.stop();
  await rm(directory, { recursive: true, force: true });
});

/** As the job would, until the server is there again and knows that the sessions of before are gone. */
async function again<T>(verb: () => Promise<T>): Promise<T> {
  const retryable = (error: unknown) => ['busy', 'unavailable'].includes(toAppError(error).kind);
  return retry(verb, { retryable, attempts: 100, baseMs: 20, capMs: 500 });
}

/** PostgreSQL is killed at the step, and started again. */
async function killAt(
  verb: (...given: Parameters<typeof restoreQuarter>) => Promise<object>,
  dieAt: string,
): Promise<void> {
  const step = async (name: string) => {
    if (name === dieAt) await server.kill('SIGKILL');
  };
  await verb(house, { ...run, step }, quarter).then(
    () => {},
    (error: unknown) => expect(toAppError(error)).toMatchObject({ kind: 'unavailable' }),
  );
  await server.restart();
}

describe('when PostgreSQL is killed', () => {
  it.each([
    ['restore.begun', dropped],
    ['restore.loaded.transactions', 'dropped: standalone fenced, missing'],
    ['restore.loaded.entries', 'dropped: standalone fenced, standalone fenced'],
    ['restore.attached', 'dropped: standalone fenced, standalone fenced'],
    ['restore.committed', restored],
  ])('at %s a restore is done by the next run', async (step, left) => {
    await killAt(restoreQuarter, step);
    expect(await again(stand)).toBe(left);
    await again(() => restoreQuarter(house, run, quarter));
    expect(await stand()).toBe(restored);
    await releaseQuarter(house, run, quarter);
    await dropQuarter(house, run, quarter);
  });

  it.each(['release.after.transactions', 'release.recorded'])(
    'at %s a release is done by the next run',
    async (step) => {
      await restoreQuarter(house, run, quarter);
      await killAt(releaseQuarter, step);
      expect(await again(stand)).toMatch(/^restored: standalone fenced/);
      await again(() => releaseQuarter(house, run, quarter));
      expect(await stand()).toBe('detached: standalone fenced, standalone fenced');
      await dropQuarter(house, run, quarter);
    },
  );

  it.each(['drop.counted', 'drop.dropped'])('at %s a drop has dropped nothing', async (step) => {
    await restoreQuarter(house, run, quarter);
    await releaseQuarter(house, run, quarter);
    await killAt(dropQuarter, step);
    expect(await again(stand)).toBe('detached: standalone fenced, standalone fenced');
    await again(() => dropQuarter(house, run, quarter));
    expect(await stand()).toBe(dropped);
  });
});
