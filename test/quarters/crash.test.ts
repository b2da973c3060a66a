import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isAppError } from '../../src/core/errors.ts';
import { withQuarterLock } from '../../src/db/locks.ts';
import { retry } from '../../src/platform/retry.ts';
import { closeQuarter } from '../../src/quarters/close.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { createQuarter, ensureQuarters } from '../../src/quarters/create.ts';
import { detachQuarter } from '../../src/quarters/detach.ts';
import { reconcile } from '../../src/quarters/reconcile.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { eventsOf, type HouseOptions, openHouse, pretendArchived, run, standing } from './support.ts';
import { bookPayments, createLedger } from './support-ledger.ts';
import { type ChildTask, runVerb, startVerb } from './support-process.ts';

let home: TestDatabase;
let house: QuarterHouse;
const options: HouseOptions = { premake: 1, now: '2025-11-11T00:00:00Z' };
const at = (text: string) => new Date(text);
const stand = async (quarter: string) =>
  (await standing(house.database.direct)).find((line) => line.startsWith(quarter))?.slice(quarter.length + 1);

beforeEach(async () => {
  home = await createDatabase();
  house = openHouse(home.url, options);
  await ensureQuarters(house, run, at('2025-07-01T00:00:00Z'), at('2025-11-11T00:00:00Z'));
  const ledger = await createLedger(house.database.write, 'a', 3);
  await bookPayments(house.database.write, ledger, {
    start: at('2025-07-01T00:00:00Z'),
    end: at('2025-10-01T00:00:00Z'),
    transactions: 10,
  });
});

afterEach(async () => {
  await house?.database.close();
  await home?.drop();
});

/** Runs a verb in a process that is killed with SIGKILL at a step. */
async function killAt(task: Omit<ChildTask, 'url' | 'house'>): Promise<void> {
  const outcome = await runVerb({ url: home.url, house: options, ...task });
  expect(outcome).toEqual({ said: [], signal: 'SIGKILL' });
}

/** As the job would: the dead process's session may hold its lock for another moment. */
async function again<T>(verb: () => Promise<T>): Promise<T> {
  const retryable = (error: unknown) => isAppError(error, 'busy');
  return retry(verb, { retryable, attempts: 50, baseMs: 20, capMs: 200 });
}

describe('a create that is killed', () => {
  it.each([
    ['create.locked', undefined],
    ['create.attached', undefined],
    ['create.committed', 'open: attached, attached'],
  ])('at %s has done all of a quarter or nothing, and the next run creates it', async (dieAt, left) => {
    await killAt({ verb: 'create', quarter: '2025q2', dieAt });
    expect(await stand('2025q2')).toBe(left);
    expect(await again(() => createQuarter(house, run, '2025q2'))).toMatchObject({ state: 'open' });
    expect(await stand('2025q2')).toBe('open: attached, attached');
    expect(await eventsOf(house.database.direct, '2025q2')).toEqual(['create']);
  });

  it('half-way through a year has left whole quarters only, and the next run creates the others', async () => {
    await killAt({ verb: 'create', quarter: '2024q3', dieAt: 'create.committed' });
    const years = async () => (await standing(house.database.direct)).map((line) => line.slice(0, 6));
    expect(await years()).toEqual(['2025q2', '2025q3', '2025q4', '2026q1']);
    const { created } = await again(() => createQuarter(house, run, '2024q3'));
    expect(created).toEqual(['2024q3', '2024q4', '2025q1']);
    expect(await reconcile(house, run)).toMatchObject({ created: [], drift: [] });
  });
});

describe('a close that is killed', () => {
  it.each([
    ['close.checked', 'open: attached, attached'],
    ['close.fenced', 'open: attached fenced, attached fenced'],
    ['close.begun', 'open: attached fenced, attached fenced'],
    ['close.balanced', 'open: attached fenced, attached fenced'],
    ['close.ordered', 'open: attached fenced, attached fenced'],
    ['close.counted', 'open: attached fenced, attached fenced'],
    ['close.closed', 'closed: attached fenced, attached fenced'],
  ])('at %s is finished by the next run', async (dieAt, left) => {
    await killAt({ verb: 'close', quarter: '2025q3', dieAt });
    expect(await stand('2025q3')).toBe(left);
    const report = await again(() => closeQuarter(house, run, '2025q3'));
    expect(report).toMatchObject({ transactions: 10n, entries: 20n, closed: !left.startsWith('closed') });
    expect(await stand('2025q3')).toBe('closed: attached fenced, attached fenced');
    expect(await eventsOf(house.database.direct, '2025q3')).toEqual(['create', 'close']);
    const balances = await house.database.write
      .selectFrom('ledger.quarter_balances')
      .select('account_id')
      .where('ledger_id', '=', 1)
      .execute();
    expect(balances).toHaveLength(3);
  });

  it('behind its fence is undone by the next run when that is refused', async () => {
    await killAt({ verb: 'close', quarter: '2025q3', dieAt: 'close.fenced' });
    expect((await again(() => reconcile(house, run))).drift).toMatchObject([
      { code: 'close_unfinished', quarter: '2025q3' },
      { code: 'close_unfinished', quarter: '2025q3' },
    ]);
    await house.database.write
      .insertInto('quartermaster.summary_marks')
      .values({ ledger_id: 1, day: '2025-08-08' })
      .execute();
    await expect(closeQuarter(house, run, '2025q3')).rejects.toMatchObject({ code: 'summaries_outstanding' });
    expect(await stand('2025q3')).toBe('open: attached, attached');
  });
});

describe('a detach that is killed', () => {
  const gone = 'detached: standalone fenced, standalone fenced';

  beforeEach(async () => {
    await closeQuarter(house, run, '2025q3');
    await pretendArchived(house.database.write, '2025q3');
  });

  const steps = [
    ['detach.before.transactions', 'archived: attached fenced, attached fenced'],
    ['detach.after.transactions', 'archived: standalone fenced, attached fenced'],
    ['detach.before.entries', 'archived: standalone fenced, attached fenced'],
    ['detach.after.entries', 'archived: standalone fenced, standalone fenced'],
    ['detach.recorded', 'archived: standalone fenced, standalone fenced'],
    ['detach.committed', gone],
  ] as const;

  it.each(steps)('at %s is finished by the next run', async (dieAt, left) => {
    await killAt({ verb: 'detach', quarter: '2025q3', dieAt });
    expect(await stand('2025q3')).toBe(left);
    await again(() => detachQuarter(house, run, '2025q3'));
    expect(await stand('2025q3')).toBe(gone);
    expect(await eventsOf(house.database.direct, '2025q3')).toEqual(['create', 'close', 'detach']);
  });

  it('while it waits gives up its lock, though the server would go on waiting, and is finished', async () => {
    const ended = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const reading = house.database.read.transaction().execute(async (trx) => {
      await sql`SELECT count(*) FROM ledger.transactions`.execute(trx);
      begun.resolve();
      await ended.promise;
    });
    await begun.promise;
    const { child, blocked, done } = startVerb({
      url: home.url,
      house: options,
      verb: 'detach',
      quarter: '2025q3',
    });
    await blocked;
    child.kill('SIGKILL');
    await done;
    // The reader is still there, and the server's own process would wait for it, with the lock, if it had not looked.
    await again(() => withQuarterLock(house.database.direct, '2025q3', async () => {}));
    expect(await stand('2025q3')).toBe('archived: detaching fenced, attached fenced');
    ended.resolve();
    await reading;
    await again(() => detachQuarter(house, run, '2025q3'));
    expect(await stand('2025q3')).toBe(gone);
  });

  it.each(['finalize.before', 'finalize.after'])(
    'is finished although its finaliser was killed at %s',
    async (dieAt) => {
      const reader = await house.database.read.startTransaction().execute();
      await sql`SELECT count(*) FROM ledger.transactions`.execute(reader);
      const stop = new AbortController();
      const onBlocked = () => stop.abort();
      const stopped = detachQuarter(house, { ...run, signal: stop.signal, onBlocked }, '2025q3');
      await expect(stopped).rejects.toMatchObject({ kind: 'aborted' });
      await reader.commit().execute();
      await killAt({ verb: 'reconcile', dieAt });
      await again(() => reconcile(house, run));
      expect(await stand('2025q3')).toBe('archived: standalone fenced, attached fenced');
      await again(() => detachQuarter(house, run, '2025q3'));
      expect(await stand('2025q3')).toBe(gone);
    },
  );
});
