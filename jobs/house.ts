import type { Clock } from '../src/core/clock.ts';
import type { Calendar } from '../src/core/quarter.ts';
import type { Database } from '../src/db/database.ts';
import type { Poster } from '../src/ledger/post.ts';
import type { Config } from '../src/platform/config.ts';
import type { OnRetry } from '../src/platform/retry.ts';
import type { QuarterHouse } from '../src/quarters/context.ts';
import type { Queue } from '../src/queue/queue.ts';

/** What the jobs work with. Made once per process; nothing in it is opened before it is used. */
export interface JobHouse {
  readonly database: Database;
  readonly calendar: Calendar;
  readonly clock: Clock;
  readonly config: Config;
  readonly quarters: QuarterHouse;
  readonly queue: Queue;
  readonly poster: Poster;
  /** Told of short statements that are tried again. */
  readonly onRetry?: OnRetry | undefined;
}
