import type { JobHouse } from '../../jobs/house.ts';
import { openDiskStore } from '../../src/archive/disk-store.ts';
import type { Store } from '../../src/archive/store.ts';
import type { Clock } from '../../src/core/clock.ts';
import { calendar as calendarOf } from '../../src/core/quarter.ts';
import { openDatabase } from '../../src/db/database.ts';
import { createAccountCache } from '../../src/ledger/accounts.ts';
import { createPoster } from '../../src/ledger/post.ts';
import { type Config, readConfig } from '../../src/platform/config.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { createQueue } from '../../src/queue/queue.ts';

/** What every process of a soak is told, as JSON. */
export interface Setting {
  readonly url: string;
  /** Where archives, journals and logs are. */
  readonly home: string;
  readonly seed: number;
  /** When the soak began and when its time stands still, in milliseconds of the machine's clock. */
  readonly began: number;
  readonly ends: number;
  /** How long a quarter takes, in milliseconds. */
  readonly quarterMs: number;
  /** Its own name, as writer-1. */
  readonly name: string;
  /** Transactions a writer may post in all, so that the disk is bounded. */
  readonly rows: number;
}

/** The first day of a soak. Long ago, for nothing is booked in what PostgreSQL holds to be the future. */
export const FIRST_DAY = Date.UTC(2003, 0, 15);
const QUARTER = (365.25 / 4) * 86_400_000;

/** The time of a soak: the same in all of its processes, fast, and standing still when the soak is over. */
export function soakClock({ began, ends, quarterMs }: Setting): Clock {
  const speed = QUARTER / quarterMs;
  return { now: () => new Date(FIRST_DAY + Math.floor((Math.min(Date.now(), ends) - began) * speed)) };
}

/** The settings of an installation in which much happens: three quarters online, closed soon, dropped soon. */
export function soakConfig({ url, home }: Setting): Config {
  return readConfig({
    QM_DATABASE_URL: url,
    QM_STORE: `file://${home}/archive`,
    QM_ONLINE_QUARTERS: '3',
    QM_CLOSE_AFTER_DAYS: '5',
    QM_DROP_AFTER_DAYS: '60',
    QM_RESTORE_DAYS: '120',
    QM_FIXITY_DAYS: '400',
    QM_PREMAKE_QUARTERS: '8',
    QM_OLDEST_DATE: '2002-01-01',
    // Requests are repeated after seconds, which are months here.
    QM_IDEMPOTENCY_DAYS: '3650',
    QM_POOL_MAX: '5',
  });
}

/**
 * The house of a soak's process: as src/main puts it together, but with the soak's clock, and a store of its own where one
 * is given.
 */
export function openSoak(setting: Setting, store?: Store): JobHouse & { close(): Promise<void> } {
  const config = soakConfig(setting);
  const clock = soakClock(setting);
  const calendar = calendarOf(config.timezone);
  const logger = createLogger('info');
  const database = openDatabase({ ...config, applicationName: `soak ${setting.name}` });
  const quarters = {
    database,
    store: store ?? openDiskStore(`${setting.home}/archive`),
    calendar,
    clock,
    ledgerSet: config.ledgerSet,
    premakeQuarters: config.premakeQuarters,
    oldest: calendar.startOfDay(config.oldestDate),
    archiveApproval: config.archiveApproval,
    restoreDays: config.restoreDays,
    version: '0.0.0-soak',
  };
  return {
    database,
    calendar,
    clock,
    config,
    quarters,
    queue: createQueue({
      db: database.write,
      url: setting.url,
      zone: config.timezone,
      logger,
      pollEvery: 0.5,
      superviseEvery: 1,
      stopWithin: 10,
    }),
    poster: createPoster({ db: database.write, calendar, accounts: createAccountCache() }),
    close: () => database.close(),
  };
}

/** What the process was told by its first argument. */
export function readSetting(): Setting {
  return JSON.parse(process.argv[2] ?? '{}') as Setting;
}

/** Fires when the process is asked to end in order. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  process.once('SIGTERM', () => stop.abort());
  process.once('disconnect', () => stop.abort());
  return stop.signal;
}
