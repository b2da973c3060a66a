import { fixedClock } from '../../src/core/clock.ts';
import { AppError } from '../../src/core/errors.ts';
import { calendar } from '../../src/core/quarter.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';

export interface TestHouse extends QuarterHouse {
  readonly database: Database;
}

export interface HouseOptions {
  readonly zone?: string;
  readonly now?: string;
  readonly premake?: number;
  readonly oldest?: string;
}

/** A house over a database, standing still at `now`. The verbs tested here use no store. */
export function openHouse(url: string, options: HouseOptions = {}): TestHouse {
  const database = openDatabase({ databaseUrl: url, poolMax: 4, applicationName: 'test-house' });
  const refuse = async (): Promise<never> => {
    throw new AppError('internal', 'no_store', 'This test has no store.');
  };
  return {
    database,
    store: { url: 'none:', put: refuse, open: refuse, stat: refuse, list: refuse, remove: refuse },
    calendar: calendar(options.zone ?? 'UTC'),
    clock: fixedClock(options.now ?? '2026-05-05T12:00:00Z'),
    ledgerSet: 'ledger',
    premakeQuarters: options.premake ?? 2,
    oldest: new Date(options.oldest ?? '2000-01-01T00:00:00Z'),
  };
}
