import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isAppError } from '../../src/core/errors.ts';
import { retry } from '../../src/platform/retry.ts';
import { closeQuarter } from '../../src/quarters/close.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { readQuarter } from '../../src/quarters/registry.ts';
import { reopenQuarter } from '../../src/quarters/reopen.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { eventsOf, type HouseOptions, openHouse, run, standing } from './support.ts';
import { bookPayments, createLedger } from './support-ledger.ts';
import { runVerb } from './support-process.ts';

let home: TestDatabase;
let house: QuarterHouse;
const options: HouseOptions = { premake: 1, now: '2025-11-11T00:00:00Z' };
const ann = { actor: 'ann', reason: 'late invoice' };
const at = (text: string) => new Date(text);
const [closed, open] = ['closed: attached fenced, attached fenced', 'open: attached, attached'];
const behind = 'open: attached fenced, attached fenced';
const stand = async (quarter: string) =>
  (await standing(house.database.direct)).find((line) => line.startsWith(quarter))?.slice(quarter.length + 1);

beforeEach(async () => {
  home = await createDatabase();
  house = openHouse(home.url, options);
  await ensureQuarters(house, run, at('2025-04-01T00:00:00Z'), at('2025-11-11T00:00:00Z'));
  const ledger = await createLedger(house.database.write, 'a', 3);
  for (const [start, end] of [
    ['2025-04-01', '2025-07-01'],
    ['2025-07-01', '2025-10-01'],
  ] as const)
    await bookPayments(house.database.write, ledger, { start: at(start), end: at(end), transactions: 10 });
  for (const quarter of ['2025q2', '2025q3']) await closeQuarter(house, run, quarter);
});

afterEach(async () => {
  await house?.database.close();
  await home?.drop();
});

/** Runs a verb in a process that is killed with SIGKILL at a step. */
async function killAt(verb: 'close' | 'reopen', quarter: string, dieAt: string): Promise<void> {
  const outcome = await runVerb({ url: home.url, house: options, verb, quarter, dieAt });
  expect(outcome).toEqual({ said: [], signal: 'SIGKILL' });
}

/** As the job would: the dead process's session may hold its lock for another moment. */
async function again<T>(verb: () => Promise<T>): Promise<T> {
  const retryable = (error: unknown) => isAppError(error, 'busy');
  return retry(verb, { retryable, attempts: 50, baseMs: 20, capMs: 200 });
}

async function facts(quarter: string) {
  const { digest, stale_reason } = await readQuarter(house.database.write, quarter);
  const balances = await house.database.write
    .selectFrom('ledger.quarter_balances')
    .select(['account_id', 'opening', 'closing'])
    .where('ledger_id', '=', 1)
    .where('quarter', '=', quarter)
    .orderBy('account_id')
    .execute();
  return { digest, stale: stale_reason !== null, balances };
}

describe('a reopen that is killed', () => {
  const steps = [
    ['reopen.checked', closed, false],
    ['reopen.recorded', closed, false],
    ['reopen.committed', behind, true],
    ['reopen.unfenced', open, true],
  ] as const;

  it.each(steps)(
    'at %s has done all of it or nothing but for the fence, and is finished by the next run',
    async (dieAt, left, done) => {
      await killAt('reopen', '2025q2', dieAt);
      expect(await stand('2025q2')).toBe(left);
      expect((await facts('2025q3')).stale).toBe(done);
      expect((await facts('2025q2')).balances).toHaveLength(done ? 0 : 3);
      expect(await again(() => reopenQuarter(house, ann, '2025q2'))).toMatchObject({ reopened: !done });
      expect(await stand('2025q2')).toBe(open);
      expect(await eventsOf(house.database.direct, '2025q2')).toEqual(['create', 'close', 'reopen']);
      expect(await eventsOf(house.database.direct, '2025q3')).toEqual(['create', 'close', 'stale']);
    },
  );

  it.each(steps)('at %s leaves a quarter that can be closed, as what comes after it', async (dieAt) => {
    const before = [await facts('2025q2'), await facts('2025q3')];
    await killAt('reopen', '2025q2', dieAt);
    for (const quarter of ['2025q2', '2025q3']) await again(() => closeQuarter(house, run, quarter));
    expect([await facts('2025q2'), await facts('2025q3')]).toEqual(before);
    for (const quarter of ['2025q2', '2025q3']) expect(await stand(quarter)).toBe(closed);
  });
});

describe('a close of a stale quarter that is killed', () => {
  it.each([
    ['close.checked', true],
    ['close.fenced', true],
    ['close.begun', true],
    ['close.balanced', true],
    ['close.ordered', true],
    ['close.counted', true],
    ['close.closed', false],
  ])(
    'at %s keeps its fence and the trial balance of before, and is finished by the next run',
    async (dieAt, stale) => {
      const before = await facts('2025q3');
      await reopenQuarter(house, ann, '2025q2');
      await closeQuarter(house, run, '2025q2');
      await killAt('close', '2025q3', dieAt);
      expect(await stand('2025q3')).toBe(closed);
      expect(await facts('2025q3')).toEqual({ ...before, stale });
      expect(await again(() => closeQuarter(house, run, '2025q3'))).toMatchObject({ closed: stale });
      expect(await facts('2025q3')).toEqual(before);
      expect(await eventsOf(house.database.direct, '2025q3')).toEqual(['create', 'close', 'stale', 'close']);
    },
  );
});
