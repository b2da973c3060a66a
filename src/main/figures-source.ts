import { type Database, openDatabase } from '../db/database.ts';
import { type Figures, readFigures } from '../db/figures.ts';
import { answerWithin } from '../db/lease.ts';
import { PENDING_DETACH, recordSightings, SCHEDULE_KNOWN } from '../db/measurements.ts';
import type { Config } from '../platform/config.ts';
import type { Logger } from '../platform/logger.ts';
import type { Service } from '../platform/service.ts';
import { createFigures, type FiguresHouse, type FiguresTiming } from './figures.ts';
import { pendingDetaches } from './figures-quarters.ts';

export interface SourceOptions {
  readonly database: Pick<Database, 'direct' | 'withClient'>;
  /** Of the ledger. */
  readonly zone: string;
  /** The names of the jobs that have a schedule. */
  readonly scheduled: readonly string[];
  readonly logger: Logger;
}

type Client = Parameters<typeof readFigures>[0];

/** How long the end of the connection is waited for. */
const FAREWELL_MS = 1000;

/**
 * The figures of the database that the settings name, read on one direct connection of their own: when the pools are used up, or the
 * pooler is, somebody has to be able to see it.
 */
export function createDatabaseFigures(
  house: FiguresHouse & { readonly config: Config },
  timing?: FiguresTiming,
): Service {
  const { config, logger, calendar, jobs } = house;
  const database = openDatabase({
    ...config,
    poolMax: 1,
    applicationName: 'quartermaster figures',
    onIdleError: (error) => logger.debug({ err: error }, 'the connection of the figures was lost'),
  });
  const scheduled = jobs.filter(({ schedule }) => schedule !== undefined).map(({ name }) => name);
  const read = readerOf({ database, zone: calendar.zone, scheduled, logger });
  const figures = createFigures(house, read, timing);
  return {
    ...figures,
    stop: async () => {
      await figures.stop();
      // A farewell that is never answered keeps nobody here.
      await answerWithin(FAREWELL_MS, database.close()).catch(() => {});
    },
  };
}

/**
 * A reading of the figures on a connection of `database`, which is cut when the signal fires. What has no time of its own is put
 * down when it is first seen, by a statement after the reading; there is seldom any.
 *
 * @throws whatever node-postgres throws, AppError aborted/aborted
 */
export function readerOf(options: SourceOptions): (signal: AbortSignal) => Promise<Figures> {
  const { database, zone, logger } = options;
  return (signal) =>
    database.withClient(async (client) => {
      const figures = await readFigures(client, { zone, db: database.direct });
      try {
        await keepSightings(client, options, figures);
      } catch (error) {
        logger.warn({ err: error }, 'what was seen for the first time was not kept');
      }
      return figures;
    }, signal);
}

async function keepSightings(client: Client, { scheduled }: SourceOptions, figures: Figures): Promise<void> {
  const seenBefore = (metric: string) =>
    figures.measurements.filter((one) => one.metric === metric).map(({ label }) => label);
  const [pending, known] = [pendingDetaches(figures), seenBefore(PENDING_DETACH)];
  const begun = pending.filter((label) => !known.includes(label));
  // Only what this reading saw itself: another worker may have put down what is newer.
  const over = known.filter((label) => !pending.includes(label));
  await recordSightings(client, PENDING_DETACH, begun, over);
  const schedules = seenBefore(SCHEDULE_KNOWN);
  const added = scheduled.filter((name) => !schedules.includes(name));
  await recordSightings(client, SCHEDULE_KNOWN, added, []);
}
