import type { FileCache } from '../archive/cache.ts';
import type { Clock } from '../core/clock.ts';
import type { Calendar } from '../core/quarter.ts';
import type { Database } from '../db/database.ts';
import type { EmbeddedServer } from '../db/embedded.ts';
import type { MigrateOptions, MigrationReport } from '../db/migrate.ts';
import type { MigrationStatus } from '../db/schema-version.ts';
import type { Key } from '../ledger/keys.ts';
import type { LoadOptions, LoadReport } from '../ledger/load.ts';
import type { Config } from '../platform/config.ts';
import type { Logger } from '../platform/logger.ts';
import type { Service } from '../platform/service.ts';
import type { Progress, QuarterHouse } from '../quarters/context.ts';
import type { QuarterJob } from '../queue/quarter-jobs.ts';

/** A verb that policy allows now. */
export interface DueVerb {
  readonly quarter: string;
  readonly verb: string;
  /** Why the schedule wants it, of a verb that needs a reason. */
  readonly reason?: string;
}

/** What comes next in the life of a quarter by itself: from when on, and what keeps it from being done. */
export interface NextVerb {
  readonly verb: string;
  readonly at: Date;
  readonly withheld?: string;
}

/** One run of a job in the foreground. */
export interface ForegroundRun {
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/** The opened house: what commands work with once the settings are read and the database is known. */
export interface CliHouse {
  readonly config: Config;
  readonly database: Database;
  readonly calendar: Calendar;
  readonly clock: Clock;
  readonly quarters: QuarterHouse;
  /** Where files of archives are read. */
  readonly archiveFiles: FileCache;
  readonly jobNames: readonly string[];
  load(options: LoadOptions): Promise<LoadReport>;
  runJob(name: string, data: object, run: ForegroundRun): Promise<object>;
  /** What policy allows at this moment, in the order in which it has to happen. */
  dueVerbs(): Promise<readonly DueVerb[]>;
  /** What workers were asked to do to this quarter, or to any, the newest first. */
  quarterJobs(quarter?: string): Promise<readonly QuarterJob[]>;
  /** What comes next for this quarter by itself; undefined where nothing does. */
  nextStep(quarter: string): Promise<NextVerb | undefined>;
  /** The same of all quarters, by their names. */
  nextSteps(): Promise<ReadonlyMap<string, NextVerb>>;
  /**
   * Has a worker do what two people have agreed on.
   *
   * @throws AppError config/not_migrated when there are no queues
   */
  goOn(quarter: string): Promise<readonly QuarterJob[]>;
  /** Has a worker see to what a verb that was run here leaves to be done, where there is one. */
  afterVerb(verb: string): Promise<void>;
  /** The long-running parts, made but not started. `keys` open the API beside those of the database. */
  apiService(options?: { keys?: readonly Key[] }): Service & { address(): string };
  workerService(): Service;
  close(): Promise<void>;
}

/** What the process gives the command line: settings, signals, and the way to open the house. */
export interface CliEntry {
  readonly version: string;
  readonly signal: AbortSignal;
  readConfig(): Config;
  createLogger(level: string): Logger;
  startEmbedded(directory: string): Promise<EmbeddedServer>;
  /** @throws AppError config when the database is not migrated or was made with other settings */
  openHouse(config: Config, logger: Logger): Promise<CliHouse>;
  /** The same without a look at the database: its services look themselves when they start, and wait for it. */
  openUnseen(config: Config, logger: Logger): Promise<CliHouse>;
  migrateUp(config: Config, logger: Logger, options?: MigrateOptions): Promise<MigrationReport>;
  migrateDown(config: Config, options: { all: boolean }): Promise<MigrationReport>;
  migrationStatus(config: Config): Promise<MigrationStatus>;
}
