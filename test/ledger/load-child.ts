import { systemClock } from '../../src/core/clock.ts';
import { isAppError } from '../../src/core/errors.ts';
import { calendar } from '../../src/core/quarter.ts';
import { openDatabase } from '../../src/db/database.ts';
import { createAccountCache } from '../../src/ledger/accounts.ts';
import { type LoadOptions, load } from '../../src/ledger/load.ts';
import { ensureQuarters } from './quarters.ts';

/** What the process that loads is told, as JSON in its first argument. */
export interface ChildTask {
  readonly url: string;
  readonly options: Omit<LoadOptions, 'onProgress' | 'signal'>;
}

// A process of its own, to be killed: says a line after each transaction, and at the end its report or its failure.
const task = JSON.parse(process.argv[2] ?? '') as ChildTask;
const database = openDatabase({ databaseUrl: task.url, poolMax: 3 });
try {
  const report = await load(
    {
      database,
      calendar: calendar('UTC'),
      clock: systemClock,
      accounts: createAccountCache(),
      ensureQuarters: (from, to) => ensureQuarters(database, 'UTC', from, to),
      finish: async () => {},
      oldest: new Date('2000-01-01'),
    },
    { ...task.options, onProgress: ({ records }) => process.stdout.write(`at ${records}\n`) },
  );
  process.stdout.write(`${JSON.stringify(report)}\n`);
} catch (error) {
  if (!isAppError(error)) throw error;
  process.stdout.write(`${JSON.stringify({ code: error.code })}\n`);
  process.exitCode = 1;
} finally {
  await database.close();
}
