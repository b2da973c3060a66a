import { sql } from 'kysely';
import type { Db } from './schema.ts';
import { endOfLastRecord, parsePosition } from './wal-position.ts';

/**
 * The position up to which the primary's WAL holds every transaction whose commit was answered before this is asked.
 *
 * A commit is answered after its record is flushed, so the flushed position covers it, and nothing that a standby does
 * not get: WAL is sent when it is flushed. Only with synchronous_commit off a commit is answered before, and the
 * position of the next insert is the first that is known to cover it. That one elsewhere would be worse: while nobody commits,
 * what readers leave in the WAL (hint bits) may lie unflushed for seconds, and a standby would be waited for in vain.
 * `pg_current_wal_lsn()`, what is written but perhaps not flushed, is right in neither case.
 *
 * @param db the primary; its sessions have the setting under which the same pool commits
 */
export async function readPosition(db: Db): Promise<bigint> {
  const { rows } = await sql<{
    flushed: string;
    next: string;
    isAhead: boolean;
    page: number;
    segment: number;
  }>`
    SELECT pg_current_wal_flush_lsn()::text AS flushed,
           pg_current_wal_insert_lsn()::text AS next,
           current_setting('synchronous_commit') = 'off' AS "isAhead",
           current_setting('wal_block_size')::int AS page,
           pg_size_bytes(current_setting('wal_segment_size'))::int AS segment`.execute(db);
  const [row] = rows;
  const next = parsePosition(row?.next ?? '');
  const flushed = parsePosition(row?.flushed ?? '');
  if (row === undefined || next === undefined || flushed === undefined) throw new Error('no WAL position');
  if (!row.isAhead) return flushed;
  return endOfLastRecord(next, { pageBytes: row.page, segmentBytes: row.segment });
}

/**
 * Lets calls that come while an answer is under way share the next one: whoever calls gets the answer to a question that
 * was put after the call. The answers to a hundred writes that were committed together cost one or two questions.
 */
export function shareNext<T>(ask: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | undefined;
  return () => {
    next ??= underWay.then(() => {
      next = undefined;
      const answer = ask();
      underWay = answer.catch(() => undefined);
      return answer;
    });
    return next;
  };
}
