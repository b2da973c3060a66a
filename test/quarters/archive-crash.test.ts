import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyChain } from '../../src/archive/chain.ts';
import { verifyArchive } from '../../src/archive/verify.ts';
import { archiveQuarter } from '../../src/quarters/archive.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { readQuarter } from '../../src/quarters/registry.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { bookNastyPayments, closeQuarters, openArchiveHouse, run } from './archive-fixture.ts';

const parts = ['accounts', 'currencies', 'transactions', 'entries', 'quarter_balances'].map(
  (table) => `${table}/part-0000.parquet`,
);

/** Every step that leaves a trace, in its order; `progress` is in the middle of a copy. */
const steps = [
  'archive.cleared',
  'progress',
  ...parts.flatMap((part) => [`archive.stored ${part}`, `archive.kept ${part}`]),
  'archive.copied',
  'archive.read_back',
  'archive.manifest_stored',
  'archive.archived',
];
const nameOf = (i: number) => `${2018 + (i >> 2)}q${1 + (i % 4)}`;
const quarters = steps.map((_, i) => nameOf(i));
const another = nameOf(steps.length);

let home: TestDatabase;
let directory: string;
let house: QuarterHouse;

beforeAll(async () => {
  home = await createDatabase();
  directory = await mkdtemp(join(tmpdir(), 'test-archive-'));
  house = openArchiveHouse(home.url, directory);
  const all = [...quarters, another];
  await bookNastyPayments(
    house,
    all.map((quarter) => ({ quarter, transactions: 90 })),
  );
  await closeQuarters(house, all);
});

afterAll(async () => {
  await house?.database.close();
  await home?.drop();
  await rm(directory, { recursive: true, force: true });
});

/** Runs the child to its end; the signal that ended it. */
function archiveInChild(quarter: string, step: string): Promise<string | null> {
  const child = fileURLToPath(new URL('./archive-child.ts', import.meta.url));
  return new Promise((resolve) => {
    // What it leaves in its directory for temporary files goes with the others of this test.
    const env = { ...process.env, TMPDIR: directory };
    const running = execFile(process.execPath, [child, home.url, directory, quarter, step], { env }, () =>
      resolve(running.signalCode),
    );
  });
}

async function filesOf(quarter: string): Promise<string[]> {
  const entries = await readdir(join(directory, 'ledger', quarter), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort();
}

/** How many parts the database keeps of an archive that is not done. */
async function partsOf(quarter: string): Promise<bigint> {
  const { count } = await house.database.direct
    .selectFrom('quartermaster.archive_parts')
    .select((part) => part.fn.countAll<bigint>().as('count'))
    .where('quarter', '=', quarter)
    .executeTakeFirstOrThrow();
  return count;
}

describe('an archive that is killed', () => {
  it('knows no other steps than those it is killed at here', async () => {
    const passed: string[] = [];
    await archiveQuarter(house, { ...run, step: (name) => void passed.push(name) }, another);
    expect(passed).toEqual(steps.filter((name) => name !== 'progress'));
  });

  for (const [i, step] of steps.entries()) {
    const quarter = quarters[i] ?? '';
    it(`is whole after the next run, when it was killed at ${step}`, { timeout: 150_000 }, async () => {
      const { digest } = await readQuarter(house.database.direct, quarter);
      expect(await archiveInChild(quarter, step)).toBe('SIGKILL');
      const killed = await readQuarter(house.database.direct, quarter);
      expect(killed.state).toBe(step === 'archive.archived' ? 'archived' : 'closed');

      // PostgreSQL needs a moment to notice that the session with the lock is gone.
      await expect
        .poll(() => archiveQuarter(house, run, quarter).then(String, ({ code }) => code), {
          timeout: 100_000,
        })
        .toBe('[object Object]');
      expect(await readQuarter(house.database.direct, quarter)).toMatchObject({ state: 'archived', digest });
      const report = await verifyArchive(house.store, `ledger/${quarter}`);
      expect(report.digest).toBe(digest);
      expect(await filesOf(quarter)).toHaveLength(report.files + 1);
      expect(await partsOf(quarter)).toBe(0n);
      const events = await house.database.direct
        .selectFrom('quartermaster.quarter_events')
        .select('event')
        .where('quarter', '=', quarter)
        .where('event', '=', 'archive')
        .execute();
      expect(events).toHaveLength(1);
    });
  }

  it('leaves an unbroken chain', async () => {
    const { quarters: chain } = await verifyChain(house.store, 'ledger');
    expect([...chain].sort()).toEqual([...quarters, another]);
  });
});
