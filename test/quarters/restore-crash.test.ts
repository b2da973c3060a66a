import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAppError } from '../../src/core/errors.ts';
import { retry } from '../../src/platform/retry.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { dropQuarter } from '../../src/quarters/drop.ts';
import { reconcile } from '../../src/quarters/reconcile.ts';
import { releaseQuarter } from '../../src/quarters/release.ts';
import { restoreQuarter } from '../../src/quarters/restore.ts';
import { run } from './archive-fixture.ts';
import { type ArchivedHome, differences, openArchivedHome, takeTo } from './restore-fixture.ts';
import { eventsOf, standing } from './support.ts';

let home: ArchivedHome;
let house: QuarterHouse;
const [quarter, other] = ['2024q1', '2024q2'];
const db = () => house.database.direct;
const stand = async (name: string = quarter) =>
  (await standing(db())).find((line) => line.startsWith(name))?.slice(name.length + 1);
const restored = 'restored: attached fenced, attached fenced';
const detached = 'detached: standalone fenced, standalone fenced';
const dropped = 'dropped: missing, missing';

beforeAll(async () => {
  home = await openArchivedHome([quarter, other], 60);
  house = home.house;
  await takeTo(house, quarter, 'detached');
});

afterAll(() => home?.close());

interface Outcome {
  readonly signal: string | null;
  readonly said: string;
}

/** Runs a verb in a process of its own; at the step it dies. */
function inChild(
  verb: string,
  more: { quarter?: string; into?: string; dieAt?: string } = {},
): Promise<Outcome> {
  const child = fileURLToPath(new URL('./restore-child.ts', import.meta.url));
  const args = [
    child,
    home.database.url,
    home.directory,
    verb,
    more.quarter ?? quarter,
    more.into ?? '',
    more.dieAt ?? '',
  ];
  return new Promise((resolve) => {
    // What it leaves in its directory for temporary files goes with the others of this test.
    const env = { ...process.env, TMPDIR: home.directory };
    const running = execFile(process.execPath, args, { env }, (_error, said) =>
      resolve({ signal: running.signalCode, said }),
    );
  });
}

/** As the job would: the dead process's session may hold its lock for another moment. */
async function again<T>(verb: () => Promise<T>): Promise<T> {
  const retryable = (error: unknown) => isAppError(error, 'busy');
  return retry(verb, { retryable, attempts: 100, baseMs: 20, capMs: 200 });
}

async function expectSameRows(from: (table: string) => string): Promise<void> {
  for (const { before, lost, gained } of Object.values(await differences(db(), quarter, from)))
    expect({ some: before > 0n, lost, gained }).toEqual({ some: true, lost: 0n, gained: 0n });
}

const count = async (event: string) => (await eventsOf(db(), quarter)).filter((one) => one === event).length;

/** Every step of a run that is not killed. */
async function stepsOf(
  verb: (...given: Parameters<typeof restoreQuarter>) => Promise<object>,
  more: object = {},
): Promise<string[]> {
  const passed: string[] = [];
  await again(() =>
    verb(house, { ...run, ...more, step: (name: string) => void passed.push(name) }, quarter),
  );
  return passed;
}

describe('a drop that is killed', () => {
  const steps = ['drop.verified', 'drop.counted', 'drop.dropped', 'drop.committed'];

  it('knows no other steps than those it is killed at here', async () => {
    expect(await stepsOf(dropQuarter)).toEqual(steps);
    await restoreQuarter(house, run, quarter);
    await releaseQuarter(house, run, quarter);
  });

  it.each(steps)('at %s has dropped all or nothing, and the next run drops it', async (dieAt) => {
    const before = await count('drop');
    expect(await inChild('drop', { dieAt })).toMatchObject({ signal: 'SIGKILL' });
    expect(await stand()).toBe(dieAt === 'drop.committed' ? dropped : detached);
    await again(() => dropQuarter(house, run, quarter));
    expect(await stand()).toBe(dropped);
    expect(await count('drop')).toBe(before + 1);
    await restoreQuarter(house, run, quarter);
    await releaseQuarter(house, run, quarter);
  });
});

describe('a restore that is killed', () => {
  const fromDropped = [
    ['restore.checked', dropped],
    ['restore.begun', dropped],
    ['restore.loaded.transactions', 'dropped: standalone fenced, missing'],
    ['restore.proved.transactions', 'dropped: standalone fenced, missing'],
    ['restore.loaded.entries', 'dropped: standalone fenced, standalone fenced'],
    ['restore.proved.entries', 'dropped: standalone fenced, standalone fenced'],
    ['restore.attached', 'dropped: standalone fenced, standalone fenced'],
    ['restore.committed', restored],
  ] as const;
  const fromDetached = [
    'restore.checked',
    'restore.begun',
    'restore.proved.transactions',
    'restore.proved.entries',
    'restore.attached',
    'restore.committed',
  ];

  it('knows no other steps than those it is killed at here', async () => {
    expect(await stepsOf(restoreQuarter)).toEqual(fromDetached);
    await releaseQuarter(house, run, quarter);
    await dropQuarter(house, run, quarter);
    expect(await stepsOf(restoreQuarter)).toEqual(fromDropped.map(([name]) => name));
    await releaseQuarter(house, run, quarter);
  });

  it.each(fromDropped)('at %s, of a dropped quarter, is done by the next run', async (dieAt, left) => {
    await dropQuarter(house, run, quarter);
    const before = await count('restore');
    expect(await inChild('restore', { dieAt })).toMatchObject({ signal: 'SIGKILL' });
    expect(await stand()).toBe(left);
    // What it left is told, and stays for the next run.
    const { drift } = await again(() => reconcile(house, run));
    expect(drift.filter(({ code }) => code !== 'restore_unfinished')).toEqual([]);
    expect(await stand()).toBe(left);
    await again(() => restoreQuarter(house, run, quarter));
    expect(await stand()).toBe(restored);
    expect(await count('restore')).toBe(before + 1);
    await expectSameRows((table) => `ledger.${table}_${quarter}`);
    await releaseQuarter(house, run, quarter);
  });

  it('leaves tables that a drop takes away, where nobody restores the quarter after all', async () => {
    await dropQuarter(house, run, quarter);
    await inChild('restore', { dieAt: 'restore.proved.transactions' });
    expect(await stand()).toBe('dropped: standalone fenced, missing');
    expect(await again(() => dropQuarter(house, run, quarter))).toMatchObject({ dropped: ['transactions'] });
    expect(await stand()).toBe(dropped);
    await restoreQuarter(house, run, quarter);
    await releaseQuarter(house, run, quarter);
  });

  it.each(fromDetached)('at %s, of a detached quarter, is done by the next run', async (dieAt) => {
    expect(await inChild('restore', { dieAt })).toMatchObject({ signal: 'SIGKILL' });
    expect(await stand()).toBe(dieAt === 'restore.committed' ? restored : detached);
    await again(() => restoreQuarter(house, run, quarter));
    expect(await stand()).toBe(restored);
    await expectSameRows((table) => `ledger.${table}_${quarter}`);
    await releaseQuarter(house, run, quarter);
  });
});

describe('a copy into a schema that is killed', () => {
  const tables = ['transactions', 'entries', 'quarter_balances', 'accounts', 'currencies'];
  const steps = [
    'restore.checked',
    'restore.schema',
    ...tables.flatMap((table) => [`restore.loaded.${table}`, `restore.proved.${table}`]),
    'restore.attached',
    'restore.committed',
  ];
  const copies = async () => (await sql`SELECT FROM quartermaster.restores`.execute(db())).rows.length;

  it('knows no other steps than those it is killed at here', async () => {
    expect(await stepsOf(restoreQuarter, { into: 'audit' })).toEqual(steps);
    await releaseQuarter(house, { ...run, into: 'audit' }, quarter);
  });

  it.each(steps.filter((step) => !/balances|accounts/.test(step)))(
    'at %s is done by the next run',
    async (dieAt) => {
      expect(await inChild('restore', { into: 'audit', dieAt })).toMatchObject({ signal: 'SIGKILL' });
      expect(await copies()).toBe(dieAt === 'restore.committed' ? 1 : 0);
      await again(() => restoreQuarter(house, { ...run, into: 'audit' }, quarter));
      expect(await copies()).toBe(1);
      await expectSameRows((table) => `audit.${table}_${quarter}`);
      await releaseQuarter(house, { ...run, into: 'audit' }, quarter);
    },
  );

  it('leaves tables that a release takes away, where nobody goes on', async () => {
    await inChild('restore', { into: 'audit', dieAt: 'restore.proved.entries' });
    await again(() => releaseQuarter(house, { ...run, into: 'audit' }, quarter));
    expect((await sql`SELECT FROM pg_namespace WHERE nspname = 'audit'`.execute(db())).rows).toEqual([]);
  });

  it.each(['release.recorded', 'release.committed'])(
    'in its release at %s is dropped by the next',
    async (dieAt) => {
      await restoreQuarter(house, { ...run, into: 'audit' }, quarter);
      expect(await inChild('release', { into: 'audit', dieAt })).toMatchObject({ signal: 'SIGKILL' });
      expect(await copies()).toBe(dieAt === 'release.committed' ? 0 : 1);
      await again(() => releaseQuarter(house, { ...run, into: 'audit' }, quarter));
      expect(await copies()).toBe(0);
    },
  );
});

describe('a release that is killed', () => {
  it.each([
    ['release.before.transactions', restored],
    ['release.after.transactions', 'restored: standalone fenced, attached fenced'],
    ['release.before.entries', 'restored: standalone fenced, attached fenced'],
    ['release.after.entries', 'restored: standalone fenced, standalone fenced'],
    ['release.recorded', 'restored: standalone fenced, standalone fenced'],
    ['release.committed', detached],
  ])('at %s is finished by the next run', async (dieAt, left) => {
    await restoreQuarter(house, run, quarter);
    expect(await inChild('release', { dieAt })).toMatchObject({ signal: 'SIGKILL' });
    expect(await stand()).toBe(left);
    await again(() => releaseQuarter(house, run, quarter));
    expect(await stand()).toBe(detached);
  });
});

describe('two processes at once', () => {
  it.each(['restore', 'release', 'drop', 'restore'])('%s a quarter once', async (verb) => {
    const before = await count(verb);
    const outcomes = await Promise.all([inChild(verb), inChild(verb)]);
    for (const { said } of outcomes) expect(['quarter_busy', undefined]).toContain(JSON.parse(said).failed);
    expect(await count(verb)).toBe(before + 1);
    expect(await stand()).toBe({ restore: restored, release: detached, drop: dropped }[verb]);
  });

  it('copy two quarters into one new schema', async () => {
    const into = 'audits';
    const outcomes = await Promise.all([
      inChild('restore', { into }),
      inChild('restore', { into, quarter: other }),
    ]);
    expect(outcomes.map(({ said }) => JSON.parse(said))).toMatchObject([{ into }, { into }]);
    await expectSameRows((table) => `audits.${table}_${quarter}`);
    await releaseQuarter(house, { ...run, into }, quarter);
    await releaseQuarter(house, { ...run, into }, other);
  });
});
