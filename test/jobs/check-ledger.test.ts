import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { runInForeground } from '../../jobs/run.ts';
import type { Logger } from '../../src/platform/logger.ts';
import { useQueueBench } from '../queue/harness.ts';
import { openOffice } from './desk-fixture.ts';

const bench = useQueueBench({ migrated: true });

it('the check of the ledger leaves how many things are wrong, and tells each', async () => {
  const { house, jobs } = await openOffice(bench);
  const { write } = house.database;
  const told: [object, string][] = [];
  const silent = () => {};
  const logger = {
    ...{ info: silent, debug: silent, warn: silent },
    error: (...line: [object, string]) => told.push(line),
    child: () => logger,
  } as unknown as Logger;
  const check = () =>
    runInForeground(jobs, 'check-ledger', {}, { logger, signal: new AbortController().signal });
  const imbalances = async () =>
    (
      await sql<{
        value: number;
      }>`SELECT value FROM quartermaster.measurements WHERE metric = 'ledger_imbalances'`.execute(write)
    ).rows;

  expect(await check()).toEqual({ violations: [] });
  expect(await imbalances()).toEqual([{ value: 0 }]);
  expect(told).toEqual([]);

  const change = (by: number) =>
    sql`UPDATE ledger.balances SET posted = posted + ${by} WHERE account_id = (SELECT min(account_id) FROM ledger.balances)`.execute(
      write,
    );
  await change(5);
  // The sum of all, and the one that is not what its last entry says.
  expect(await check()).toEqual({
    violations: [
      { ledger: 'test', what: 'balances in EUR sum to 5, not 0' },
      { ledger: 'test', what: expect.stringContaining('its last entry says') },
    ],
  });
  expect(await imbalances()).toEqual([{ value: 2 }]);
  expect(told).toEqual([
    [{ ledger: 'test', what: 'balances in EUR sum to 5, not 0' }, 'the ledger is not right'],
    [{ ledger: 'test', what: expect.any(String) }, 'the ledger is not right'],
  ]);

  await change(-5);
  await check();
  expect(await imbalances()).toEqual([{ value: 0 }]);
});
