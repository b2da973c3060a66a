/** Where the primary's WAL stood, and when it was asked, so that what a standby has replayed can be told as time. */
export interface LagSamples {
  /** @param at milliseconds of a steady clock, taken before the primary was asked */
  add(at: number, position: bigint): void;
  /**
   * What a standby must have replayed to show all that was committed `behindMs` ago; undefined without any sample. Of a
   * time before the first sample nothing is known, so until then the standby must have reached that one.
   */
  floor(now: number, behindMs: number): bigint | undefined;
  /** How far a standby that has replayed this is behind, at most, in milliseconds. */
  lag(now: number, replayed: bigint): number;
}

/**
 * Keeps the samples of the last `keepMs` and one before them. Lag is told from these and not from commit times in the
 * WAL (`pg_last_xact_replay_timestamp()`): they are the primary's clock held against the standby's, and they stand
 * still, which looks like lag, while nothing is written.
 */
export function createLagSamples(keepMs: number): LagSamples {
  const samples: { at: number; position: bigint }[] = [];
  return {
    add(at, position) {
      samples.push({ at, position });
      while (samples[1] !== undefined && samples[1].at <= at - keepMs) samples.shift();
    },
    floor(now, behindMs) {
      let old = samples[0];
      // From the oldest: with the whole of what is kept allowed, it is among the first two.
      for (const sample of samples) {
        if (sample.at > now - behindMs) break;
        old = sample;
      }
      return old?.position;
    },
    lag(now, replayed) {
      const newest = samples.at(-1);
      if (newest === undefined || replayed >= newest.position) return 0;
      const shown = samples.findLast((sample) => sample.position <= replayed) ?? samples[0] ?? newest;
      return now - shown.at;
    },
  };
}
