import type { Kind, MixPlan } from './mix.ts';
import type { Cursors, Side } from './requests.ts';

/** What the process that sends the traffic is told to do. */
export interface TrafficPlan extends MixPlan {
  readonly side: Side;
  readonly origin: string;
  readonly ledger: string;
  /** Sent as a bearer token. */
  readonly key: string;
  readonly cursors: Cursors;
  /** Each has a connection of its own and sends the next request when the last is answered. */
  readonly clients: number;
  readonly seconds: number;
}

/** What came of it. */
export interface TrafficOutcome {
  /** Milliseconds of each request that was answered as it should be, by what it wanted. */
  readonly times: Readonly<Record<Kind, readonly number[]>>;
  /** What failed, as `post 503 database_unavailable`, and how often. */
  readonly failures: Readonly<Record<string, number>>;
  /** Until the last answer. */
  readonly seconds: number;
  /** Processor seconds the process itself took. */
  readonly ownCpuSeconds: number;
}

/** A request that takes longer has failed: nobody waits for it any more. */
export const PATIENCE_MS = 30_000;

/** Who was refused tries something else that much later: nobody is served by a storm. */
export const PAUSE_MS = 1000;
