import { stopwatch } from '../src/core/clock.ts';
import { toAppError } from '../src/db/sqlstate.ts';
import type { Poster } from '../src/ledger/post.ts';
import type { Logger } from '../src/platform/logger.ts';

export interface BurstOptions {
  /** Asks for a refresh of the summaries, put off by each further request. */
  readonly request: () => Promise<void>;
  readonly logger: Pick<Logger, 'warn'>;
  /** Transactions posted since the last request that make a burst (1000). */
  readonly size?: number;
  /** Seconds between two requests of this process, at least (1). */
  readonly every?: number;
  /** Seconds since some moment. */
  readonly seconds?: () => number;
}

/**
 * The same poster, which asks for a refresh of the summaries once this process has posted many transactions. It is asked for
 * behind the answer to whoever posts, at most once a second and one request at a time; a request that fails is a line in
 * the log, for the run of every minute comes anyway.
 *
 * The refresh comes some seconds after the last request, so it sees the whole burst: what is posted within a second of a request is
 * there when it runs. A stream of bursts puts that one off and off, but not the run of every minute, which is another job beside
 * it: nothing waits for longer than that.
 */
export function noticingBursts(poster: Poster, options: BurstOptions): Poster {
  const { request, logger, size = 1000, every = 1, seconds = stopwatch() } = options;
  let posted = 0;
  let asked = Number.NEGATIVE_INFINITY;
  let asking = false;

  function notice(count: number): void {
    posted += count;
    if (posted < size || asking || seconds() - asked < every) return;
    posted = 0;
    asking = true;
    asked = seconds();
    void ask();
  }

  async function ask(): Promise<void> {
    try {
      await request();
    } catch (error) {
      const { code, detail } = toAppError(error);
      logger.warn({ code, detail }, 'a refresh of the summaries could not be asked for after a burst');
    } finally {
      asking = false;
    }
  }

  return {
    async post(ledgerId, requests, given) {
      const results = await poster.post(ledgerId, requests, given);
      if (!given?.dryRun) notice(results.filter(({ kind }) => kind === 'created').length);
      return results;
    },
  };
}
