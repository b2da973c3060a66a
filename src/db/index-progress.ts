import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Db } from './schema.ts';

/** How far one index is: of `total` thousandths `done` are done, by PostgreSQL's own account. */
export interface BuildProgress {
  readonly what: string;
  readonly done: number;
  readonly total: number;
}

/** A row of pg_stat_progress_create_index. */
export interface BuildPhase {
  readonly phase: string;
  readonly blocks: number;
  readonly blocksTotal: number;
  readonly tuples: number;
  readonly tuplesTotal: number;
}

/** Where each phase begins and ends, in thousandths: reading the table and sorting take most of the time. */
const PHASES: readonly (readonly [beginning: string, from: number, to: number])[] = [
  ['building index: scanning table', 10, 500],
  ['building index: sorting', 500, 550],
  ['building index: loading', 550, 750],
  ['building index', 10, 750],
  ['waiting for writers before validation', 750, 760],
  ['index validation: scanning index', 760, 800],
  ['index validation: sorting', 800, 810],
  ['index validation: scanning table', 810, 990],
  ['waiting for old snapshots', 990, 999],
  ['waiting for readers', 990, 999],
];

/** How far that is, in thousandths. Of a phase that is not known, nothing. */
export function shareOf({ phase, blocks, blocksTotal, tuples, tuplesTotal }: BuildPhase): number {
  const [, from = 0, to = 0] = PHASES.find(([beginning]) => phase.startsWith(beginning)) ?? [];
  const share = blocksTotal > 0 ? blocks / blocksTotal : tuplesTotal > 0 ? tuples / tuplesTotal : 0;
  return Math.round(from + (to - from) * Math.min(1, Math.max(0, share)));
}

const POLL_MS = 500;

/** Runs the statement of a session and tells how far it is. A look that fails is no failure of the statement. */
export async function watchBuild(
  session: Db,
  options: { pool: Db; what: string; onProgress: ((progress: BuildProgress) => void) | undefined },
  action: () => Promise<void>,
): Promise<void> {
  const { pool, what, onProgress } = options;
  if (onProgress === undefined) return action();
  const { rows } = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(session);
  const pid = rows[0]?.pid ?? 0;
  const ended = new AbortController();
  let highest = 0;
  const tell = (share: number) => {
    highest = Math.max(highest, share);
    onProgress({ what, done: highest, total: 1000 });
  };
  tell(0);
  const poll = async () => {
    for (;;) {
      await delay(POLL_MS, undefined, { signal: ended.signal, ref: false });
      const phase = await readPhase(pool, pid).catch(() => undefined);
      if (phase !== undefined) tell(shareOf(phase));
    }
  };
  const polling = poll().catch(() => {});
  try {
    await action();
  } finally {
    ended.abort();
    await polling;
  }
  tell(1000);
}

async function readPhase(db: Db, pid: number): Promise<BuildPhase | undefined> {
  const { rows } = await sql<BuildPhase>`
    SELECT phase, blocks_done::float8 AS blocks, blocks_total::float8 AS "blocksTotal",
           tuples_done::float8 AS tuples, tuples_total::float8 AS "tuplesTotal"
    FROM pg_catalog.pg_stat_progress_create_index WHERE pid = ${pid}`.execute(db);
  return rows[0];
}
