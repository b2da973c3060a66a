import { type Clock, stopwatch } from '../core/clock.ts';
import { AppError, assert, isAppError } from '../core/errors.ts';
import { retry } from '../platform/retry.ts';
import type { Poster, PostResult } from './post.ts';
import type { PostRequest } from './request.ts';

/** Told of what the batcher does. What it does itself is done while callers wait, so it is quick and throws nothing. */
export interface BatcherObserver {
  /** A batch of so many transactions began; its submissions had waited for so many seconds each. */
  onBegin(size: number, waited: readonly number[]): void;
  /** `apart`: it could not be posted as it was, and what could stand alone was posted one by one. */
  onEnd(outcome: 'posted' | 'apart' | 'failed', seconds: number): void;
  /** What a submission was told: once for each. */
  onResults(results: readonly PostResult[]): void;
  onFailure(transactions: number, error: unknown): void;
}

export interface BatcherOptions {
  readonly poster: Poster;
  readonly clock: Clock;
  /** Transactions that may wait. */
  readonly queueMax: number;
  /** Transactions one batch takes together, and batches under way at a time. */
  readonly batchMax?: number;
  readonly parallel?: number;
  /**
   * While batches are under way one more begins when it would be as large as the one begun last, so that all of them stay
   * large, or when somebody has waited for as long as the last one took: then those under way are held up. These are
   * the least and the most of that time.
   */
  readonly lingerMs?: readonly [least: number, most: number];
  /** How long a request may wait before its batch begins, and a batch take, before their callers are told. */
  readonly waitMs?: number;
  readonly batchMs?: number;
  /** Asks for the quarter that is missing. */
  readonly onNoPartition?: () => Promise<void>;
  /** Where the primary's WAL stands; asked after each batch. */
  readonly position?: () => Promise<string | undefined>;
  readonly observer?: BatcherObserver | undefined;
}

/** What became of requests that were posted together, in their order. */
export interface Posted {
  readonly results: readonly PostResult[];
  readonly position?: string | undefined;
}

export interface Batcher {
  /**
   * Posts the requests together with those of other callers, in one transaction as far as it goes. With `atomic` they are a
   * batch of their own.
   *
   * @throws AppError busy/overloaded: too many wait, or it waited too long; nothing was booked
   * @throws AppError unavailable/outcome_unknown: the database did not answer in time
   * @throws AppError whatever the poster fails with
   */
  post(ledgerId: number, requests: readonly PostRequest[], options?: { atomic?: boolean }): Promise<Posted>;
  /** How many transactions wait, and batches are under way, at the moment. */
  look(): { readonly waiting: number; readonly underWay: number };
}

interface Submission {
  readonly ledgerId: number;
  readonly requests: readonly PostRequest[];
  readonly atomic: boolean;
  /** A batch of its own: it stands or falls by itself, or may have to read an archive first. */
  readonly alone: boolean;
  readonly since: number;
  readonly resolve: (posted: Posted) => void;
  readonly reject: (error: unknown) => void;
}

/** A batch beside others has at least that many: smaller ones cost more than they gain by not waiting. */
const ENOUGH = 24;

/** How often those that wait are looked at while no further batch can begin. */
const LOOK_MS = 250;

/** A missing quarter is waited for this often, up to some seconds in all. */
const NO_PARTITION = { attempts: 6, baseMs: 1000, capMs: 2000 };

/**
 * Gathers concurrent requests into batches. A lone request does not wait: its batch begins in the same turn of the event
 * loop. While a batch is under way others gather behind it, so that the busier it gets the larger the batches are;
 * a hot account then costs one lock a batch and not one a request. Memory is bounded by `queueMax`.
 */
export function createBatcher(options: BatcherOptions): Batcher {
  const { poster, clock, queueMax, observer, batchMax = 2000, parallel = 4, lingerMs = [25, 250] } = options;
  const { waitMs = 10_000, batchMs = 25_000 } = options;
  let queue: Submission[] = [];
  let waiting = 0;
  let underWay = 0;
  let scheduled = false;
  let timer: NodeJS.Timeout | undefined;
  /** How long the batch that ended last took, and how many the one begun last has. */
  let took = 0;
  let size = 0;

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    // After the requests that are being read just now have been parsed: they make one batch.
    setImmediate(() => {
      scheduled = false;
      begin();
    });
  }

  function begin(): void {
    dismissStale();
    for (let first = queue[0]; first !== undefined && underWay < parallel; first = queue[0]) {
      const lingered = clock.now().getTime() - first.since >= linger();
      if (underWay > 0 && waiting < enough() && !lingered) break;
      const taken = take(first.ledgerId);
      size = taken.reduce((sum, { requests }) => sum + requests.length, 0);
      void work(taken);
    }
    clearTimeout(timer);
    timer = queue.length === 0 ? undefined : setTimeout(schedule, underWay < parallel ? linger() : LOOK_MS);
  }

  function enough(): number {
    return Math.min(Math.max(size, ENOUGH), batchMax);
  }

  function linger(): number {
    const [least, most] = lingerMs;
    return Math.min(Math.max(took, least), most);
  }

  /** The next submissions of a ledger, in their order, as many as make a batch. */
  function take(ledgerId: number): Submission[] {
    const taken: Submission[] = [];
    const left: Submission[] = [];
    let size = 0;
    let full = false;
    for (const next of queue) {
      const fits = size === 0 || (!next.alone && size + next.requests.length <= batchMax);
      if (full || next.ledgerId !== ledgerId || !fits) {
        left.push(next);
        full ||= next.ledgerId === ledgerId;
        continue;
      }
      taken.push(next);
      size += next.requests.length;
      full = next.alone;
    }
    queue = left;
    waiting -= size;
    return taken;
  }

  function dismissStale(): void {
    const now = clock.now().getTime();
    while (queue.length > 0 && now - (queue[0] as Submission).since > waitMs) {
      const stale = queue.shift() as Submission;
      waiting -= stale.requests.length;
      const detail = `The request waited ${waitMs} ms and was not begun: nothing was booked. Try again.`;
      stale.reject(new AppError('busy', 'overloaded', detail));
    }
  }

  async function work(submissions: readonly Submission[]): Promise<void> {
    underWay++;
    const began = clock.now().getTime();
    const seconds = stopwatch();
    observer?.onBegin(
      size,
      submissions.map(({ since }) => Math.max(0, began - since) / 1000),
    );
    const deadline = setTimeout(() => {
      const detail = `The database did not answer in ${batchMs} ms, so the request may or may not be booked. With an Idempotency-Key it can simply be sent again.`;
      for (const { reject } of submissions) reject(new AppError('unavailable', 'outcome_unknown', detail));
    }, batchMs);
    try {
      const outcome = await postTogether(submissions);
      observer?.onEnd(outcome, seconds());
    } finally {
      clearTimeout(deadline);
      underWay--;
      took = clock.now().getTime() - began;
      if (queue.length > 0) schedule();
    }
  }

  async function postTogether(submissions: readonly Submission[]): Promise<'posted' | 'apart' | 'failed'> {
    const [first] = submissions;
    assert(first, 'a batch is empty');
    try {
      const requests = submissions.length === 1 ? first.requests : submissions.flatMap((one) => one.requests);
      const results = await postOnce(first, requests);
      const position = await options.position?.();
      let from = 0;
      for (const { requests, resolve } of submissions) {
        resolve({ results: results.slice(from, from + requests.length), position });
        from += requests.length;
      }
      return 'posted';
    } catch (error) {
      const apart = submissions.length === 1 ? [] : submissions.filter((one) => mayStandAlone(error, one));
      for (const one of submissions) if (!apart.includes(one)) one.reject(error);
      // One by one, so that what one of them cannot do does not keep the others from being booked.
      for (const one of apart) await postTogether([one]);
      return apart.length > 0 ? 'apart' : 'failed';
    }
  }

  function postOnce(
    { ledgerId, atomic }: Submission,
    requests: readonly PostRequest[],
  ): Promise<PostResult[]> {
    const post = () => poster.post(ledgerId, requests, { atomic });
    const { onNoPartition } = options;
    if (!onNoPartition) return post();
    return retry(post, {
      ...NO_PARTITION,
      retryable: (error) => isAppError(error, 'no_partition'),
      onRetry: onNoPartition,
    });
  }

  return {
    post: (ledgerId, requests, { atomic = false } = {}) =>
      new Promise((tell, fail) => {
        // Once: what was given up may still come to an end that nobody hears of.
        let isTold = false;
        const resolve = (posted: Posted) => {
          if (!isTold) observer?.onResults(posted.results);
          isTold = true;
          tell(posted);
        };
        const reject = (error: unknown) => {
          if (!isTold) observer?.onFailure(requests.length, error);
          isTold = true;
          fail(error);
        };
        // One larger than the queue is taken when nothing else waits: it could never be taken otherwise.
        if (waiting > 0 && waiting + requests.length > queueMax) {
          const detail = `${waiting} transactions wait to be posted, and ${queueMax} may. Nothing was booked; try again.`;
          reject(new AppError('busy', 'overloaded', detail));
          return;
        }
        const alone = atomic || requests.some((request) => 'reverse' in request);
        queue.push({ ledgerId, requests, atomic, alone, since: clock.now().getTime(), resolve, reject });
        waiting += requests.length;
        schedule();
      }),
    look: () => ({ waiting, underWay }),
  };
}

/** True when a batch failed for what one of its requests holds, or so that this one can be sent again. */
function mayStandAlone(error: unknown, { requests }: Submission): boolean {
  if (!(error instanceof AppError)) return true;
  if (error.code === 'outcome_unknown') return requests.every(({ idempotency }) => idempotency);
  return !['unavailable', 'busy', 'config', 'aborted'].includes(error.kind);
}
