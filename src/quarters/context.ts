import type { Store } from '../archive/store.ts';
import type { Clock } from '../core/clock.ts';
import type { Calendar } from '../core/quarter.ts';
import type { Database } from '../db/database.ts';
import type { OnBlocked } from '../db/locks.ts';

/** What a verb works with. Made once per process; the parts that belong to one run are in QuarterRun. */
export interface QuarterHouse {
  readonly database: Database;
  readonly store: Store;
  readonly calendar: Calendar;
  readonly clock: Clock;
  /** The folder of this database in the store. */
  readonly ledgerSet: string;
  /** The software's own version, for the manifests it writes. */
  readonly version: string;
  readonly premakeQuarters: number;
  /** No quarter before the one that holds this instant is ever created. */
  readonly oldest: Date;
  /** `required`: an archive and a drop wait until somebody else than who asked has approved them. */
  readonly archiveApproval: 'auto' | 'required';
  /** For how many days a quarter is restored when nobody says until when. */
  readonly restoreDays: number;
  /** How long a part of an archive is as CSV, in bytes; left out, as long as is fast. */
  readonly partBytes?: number;
}

/** Progress of long work: of `total` units `done` are done. What was done before a resumed run is said at its start. */
export interface Progress {
  readonly what: string;
  readonly done: number;
  readonly total: number | undefined;
  /** What was written so far, where something is. */
  readonly bytes?: number;
}

/** One run of a verb. */
export interface QuarterRun {
  /** Who asked: a person's name, or `schedule`. Goes into the event. */
  readonly actor: string;
  readonly reason?: string | undefined;
  /** Of a restore: until when it is wanted. */
  readonly until?: Date | undefined;
  /** Of a restore, and the release of it: a schema of its own instead of the ledger's tables. */
  readonly into?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly onBlocked?: OnBlocked | undefined;
  /** Named before and after each step that leaves a trace; a crash test kills the process there. */
  readonly step?: ((name: string) => void | Promise<void>) | undefined;
}
