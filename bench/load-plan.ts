import type { Distribution } from './distributions.ts';

/** What the load generator is told to do. */
export interface LoadPlan {
  readonly origin: string;
  readonly ledger: string;
  /** Sent as a bearer token. */
  readonly key: string;
  readonly connections: number;
  readonly distribution: Distribution;
  readonly accounts: number;
  /** Transactions in a request: 1 is sent as a single POST, more as a batch. */
  readonly batch: number;
  readonly withKeys: boolean;
  /** Requests a second that arrive by a schedule made beforehand; undefined: each connection sends the next when it is answered. */
  readonly rate: number | undefined;
  /** Before it, and not counted. */
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** The same for both sides, so that both are sent the same. */
  readonly seed: number;
}

/** What came of it. */
export interface LoadOutcome {
  /** Transactions answered as created, those of the warm-up included. */
  readonly acknowledged: number;
  /** Those of the measurement alone, and how long it took until its last answer. */
  readonly created: number;
  readonly seconds: number;
  /** Milliseconds of the requests of the measurement; by a schedule from the moment they were to be sent. */
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
  /** Processor seconds the generator itself took for them. */
  readonly ownCpuSeconds: number;
  /** Each kind of failure, with how often it came. */
  readonly failures: Readonly<Record<string, number>>;
}
