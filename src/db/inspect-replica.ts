import { sql } from 'kysely';
import { stopwatch } from '../core/clock.ts';
import { pause } from '../platform/retry.ts';
import { readPosition } from './primary-position.ts';
import type { Db } from './schema.ts';

/** Where the primary's WAL stands. */
export const writtenBy = (primary: Db): Promise<bigint> => readPosition(primary);

/** What a standby still lacks. */
export interface Behind {
  readonly bytes: number;
  readonly paused: boolean;
}

const EVERY_MS = 100;

/** Waits so many seconds at most for a standby to have replayed it; undefined as soon as it has. */
export async function replayedOf(standby: Db, target: bigint, seconds: number): Promise<Behind | undefined> {
  const elapsed = stopwatch();
  for (;;) {
    const { rows } = await sql<{ lacks: number; paused: boolean }>`
      SELECT (${target.toString()}::numeric - pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0'))::float8 AS lacks,
             pg_is_wal_replay_paused() AS paused`.execute(standby);
    const { lacks, paused } = rows[0] ?? { lacks: 0, paused: false };
    if (lacks <= 0) return undefined;
    if (elapsed() >= seconds) return { bytes: lacks, paused };
    await pause(EVERY_MS);
  }
}
