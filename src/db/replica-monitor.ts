import { stopwatch } from '../core/clock.ts';
import { pause } from '../platform/retry.ts';
import { createLagSamples } from './lag.ts';
import type { ServerSide } from './read-only.ts';

export type ReplicaState = 'ok' | 'lagging' | 'away';

/** What has become of the replica, and why. */
export interface ReplicaReport {
  readonly state: ReplicaState;
  /**
   * - `well`: it is used.
   * - `behind`: it lags by more than is allowed.
   * - `failed`: it could not be reached, did not answer in time, or failed a read.
   * - `no_standby`: QM_REPLICA_URL leads to a server that takes writes itself. It may have been promoted: two primaries are
   *   two truths, so somebody must look.
   * - `foreign`: it follows another primary than QM_DATABASE_URL.
   */
  readonly reason: 'well' | 'behind' | 'failed' | 'no_standby' | 'foreign';
  /** A sentence for people. */
  readonly detail: string;
  /** The lag as far as it is known, at most, in milliseconds. */
  readonly lagMs: number | undefined;
}

export interface MonitorOptions {
  readonly maxLagMs: number;
  readonly intervalMs: number;
  /** Where the primary's WAL stands now. Bounded in time. */
  readonly primaryPosition: () => Promise<bigint>;
  /**
   * Looks at the replica, bounded in time. `anew`: over a new connection, for a server may keep its old sessions
   * and take no others; `isForeign` is asked for then only.
   */
  readonly look: (anew: boolean) => Promise<ServerSide & { readonly isForeign?: boolean }>;
  /** Told of what each look has found, and of each suspicion. */
  readonly onLook?: ((report: ReplicaReport) => void) | undefined;
  /** Told of every change of state or reason. */
  readonly onChange?: ((report: ReplicaReport) => void) | undefined;
}

export interface ReplicaMonitor {
  /** Looks once and goes on looking. Never fails: without a replica there is the primary. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** What a server must have replayed for a read; undefined while the replica is not to be used. */
  floor(): bigint | undefined;
  /** A read failed: the replica is left alone from now on, until it looks well again. */
  suspect(why: string): void;
}

/** How often in a row it must look well before it is used: after a failure it may come and go. */
const LOOKS_NEEDED: Readonly<Record<ReplicaState, number>> = { ok: 0, lagging: 1, away: 2 };

/** Watches the replica and says whether reads may go there. */
export function createReplicaMonitor(options: MonitorOptions): ReplicaMonitor {
  const { maxLagMs, intervalMs } = options;
  // A steady clock of our own: a step of the machine's would be taken for lag, or hide it.
  const elapsed = stopwatch();
  const now = () => elapsed() * 1000;
  const samples = createLagSamples(maxLagMs);
  const stopped = new AbortController();
  let report: ReplicaReport | undefined;
  let looksNeeded = 1;
  let suspicions = 0;
  let watching: Promise<void> | undefined;

  function turn(next: ReplicaReport): void {
    const isNews = next.state !== report?.state || next.reason !== report.reason;
    report = next;
    looksNeeded = LOOKS_NEEDED[next.state];
    options.onLook?.(next);
    if (isNews) options.onChange?.(next);
  }

  function judge(server: ServerSide & { isForeign?: boolean }): ReplicaReport {
    if (!server.isStandby) return away('no_standby', NO_STANDBY);
    if (server.isForeign) return away('foreign', FOREIGN);
    if (server.replayed === undefined) return away('failed', 'It does not tell what it has replayed.');
    // Taken up again at half of the lag that is allowed, so that one at the limit does not come and go.
    const floor = samples.floor(now(), report?.state === 'ok' ? maxLagMs : maxLagMs / 2);
    if (floor === undefined) return away('failed', 'The primary has not told where it stands yet.');
    const lagMs = samples.lag(now(), server.replayed);
    if (server.replayed >= floor) return { state: 'ok', reason: 'well', detail: 'It is used.', lagMs };
    return {
      state: 'lagging',
      reason: 'behind',
      detail: `It is up to ${Math.round(lagMs)} ms behind.`,
      lagMs,
    };
  }

  async function look(): Promise<void> {
    const before = suspicions;
    const asked = now();
    // A primary that is away says nothing about the replica, which may go on answering.
    await options.primaryPosition().then(
      (position) => samples.add(asked, position),
      () => undefined,
    );
    const looked = await options
      .look(report?.state !== 'ok')
      .then(judge, (error: unknown) =>
        away('failed', error instanceof Error ? error.message : String(error)),
      );
    // It was suspected while it answered: what it said may be from before.
    if (suspicions !== before && looked.state !== 'away') return;
    if (looked.state === 'ok' && --looksNeeded > 0) return;
    turn(looked);
  }

  async function watch(): Promise<void> {
    while (!stopped.signal.aborted) {
      await pause(intervalMs, stopped.signal).catch(() => undefined);
      if (!stopped.signal.aborted) await look();
    }
  }

  return {
    async start() {
      await look();
      watching = watch();
    },
    async stop() {
      stopped.abort();
      await watching;
    },
    floor: () => (report?.state === 'ok' ? samples.floor(now(), maxLagMs) : undefined),
    suspect(why) {
      suspicions++;
      turn(away('failed', why));
    },
  };
}

function away(reason: ReplicaReport['reason'], detail: string): ReplicaReport {
  return { state: 'away', reason, detail, lagMs: undefined };
}

const NO_STANDBY =
  'QM_REPLICA_URL leads to a server that takes writes itself. If it was promoted, point QM_DATABASE_URL at it, or make it a standby again.';
const FOREIGN = 'QM_REPLICA_URL leads to a standby of another primary than QM_DATABASE_URL.';
