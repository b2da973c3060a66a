import { sql } from 'kysely';
import { stopwatch } from '../core/clock.ts';
import { AppError, isAppError } from '../core/errors.ts';
import type { Database } from '../db/database.ts';
import { identifier } from '../db/identifier.ts';
import { INDEX_LOCK } from '../db/index-file-build.ts';
import { watchBuild } from '../db/index-progress.ts';
import { type OnBlocked, withNamedLock } from '../db/locks.ts';
import { withLongStatements } from '../db/long-statement.ts';
import type { Db } from '../db/schema.ts';
import { sqlState, toAppError } from '../db/sqlstate.ts';
import { throwIfAborted } from '../platform/retry.ts';
import { readAudit } from './index-audit.ts';
import { type IndexFacts, readIndexFacts } from './index-facts.ts';
import { leftoverOf, type Thresholds, thresholds } from './index-findings.ts';

/** What became of one index. Bytes are those of the index before and after. */
export interface ReindexOutcome {
  readonly index: string;
  readonly why: 'bloated' | 'invalid';
  readonly outcome: 'rebuilt' | 'failed' | 'stopped';
  readonly before: bigint;
  readonly after: bigint;
  readonly seconds: number;
  readonly detail?: string;
}

export interface ReindexReport {
  /** Leftovers of a run that was killed. */
  readonly dropped: readonly string[];
  readonly indexes: readonly ReindexOutcome[];
  /** For these there was no time. */
  readonly left: readonly string[];
  readonly freed: bigint;
}

export interface ReindexOptions {
  readonly limits?: Thresholds;
  /** After so many seconds nothing more is begun, and what is under way is cancelled. */
  readonly budget?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: { what: string; done: number; total: number }) => void) | undefined;
  readonly onBlocked?: OnBlocked | undefined;
  /** Told of each statement before it is sent; a test kills the process there. */
  readonly onStatement?: ((statement: string) => void | Promise<void>) | undefined;
}

/** Two hours: from Sunday at half past three until people get up. */
const BUDGET = 7200;

interface Work extends ReindexOptions {
  readonly database: Pick<Database, 'direct'>;
  readonly session: Db;
}

/**
 * Builds anew what is bloated or not valid, CONCURRENTLY and one at a time: readers and writers go on meanwhile, and the disk has
 * to hold one more of the index only. First what an earlier run left behind is dropped. An index that fails does not keep
 * the others from being done.
 *
 * @throws AppError busy/already_running, aborted/aborted
 */
export async function reindex(
  database: Pick<Database, 'direct'>,
  options: ReindexOptions = {},
): Promise<ReindexReport> {
  return withNamedLock(database.direct, INDEX_LOCK, async (session) => {
    const work: Work = { ...options, database, session };
    const dropped = await dropLeftovers(work);
    const { report, facts } = await readAudit(session, options.limits ?? thresholds, []);
    const wanted = report.findings.flatMap(({ kind, index }) => {
      const found = facts.find((one) => `${one.schema}.${one.name}` === index);
      return found !== undefined && (kind === 'bloated' || kind === 'invalid') ? [{ found, why: kind }] : [];
    });
    const budget = options.budget ?? BUDGET;
    const elapsed = stopwatch();
    const indexes: ReindexOutcome[] = [];
    for (const { found, why } of wanted) {
      throwIfAborted(options.signal);
      const left = budget - elapsed();
      if (left <= 0 || indexes.some(({ outcome }) => outcome === 'stopped')) break;
      indexes.push(await rebuild(work, found, why, left));
    }
    const done = new Set(indexes.map(({ index }) => index));
    return {
      dropped,
      indexes,
      left: wanted.map(({ found }) => nameOf(found)).filter((name) => !done.has(name)),
      freed: indexes.reduce((sum, { before, after }) => sum + before - after, 0n),
    };
  });
}

/** @param left seconds that it may take */
async function rebuild(
  work: Work,
  index: IndexFacts,
  why: ReindexOutcome['why'],
  left: number,
): Promise<ReindexOutcome> {
  const seconds = stopwatch();
  const late = AbortSignal.timeout(Math.ceil(left * 1000));
  const signal = work.signal === undefined ? late : AbortSignal.any([late, work.signal]);
  const base = { index: nameOf(index), why, before: index.bytes };
  try {
    await send(work, index, `REINDEX INDEX CONCURRENTLY ${identifier(index.schema, index.name)}`, signal);
    const after = await sizeOf(work.session, index);
    return { ...base, outcome: 'rebuilt', after, seconds: seconds() };
  } catch (error) {
    const { kind, code, detail } = toAppError(error);
    // Without a database, or asked to stop, there is nothing more to be done; the next run sweeps up.
    if (kind === 'unavailable' || work.signal?.aborted) throw error;
    await dropLeftovers(work);
    const outcome = isAppError(error, 'aborted') ? 'stopped' : 'failed';
    const told =
      outcome === 'stopped'
        ? 'There was no time left for it. Give it more by `quartermaster indexes audit --apply --hours`.'
        : `${keyOf(error)}${detail} [${code}]`;
    return { ...base, outcome, after: index.bytes, seconds: seconds(), detail: told };
  }
}

/** Of a unique index that cannot be: which rows are in the way. */
function keyOf(error: unknown): string {
  const cause = error instanceof AppError ? error.cause : error;
  return sqlState(cause) === '23505' ? `${(cause as { detail?: string }).detail ?? ''} ` : '';
}

/** What those that died left behind: every write keeps it up to date for nothing. */
async function dropLeftovers(work: Work): Promise<string[]> {
  const facts = await readIndexFacts(work.session);
  const leftovers = facts.filter((one) => leftoverOf(one, facts) !== undefined);
  for (const index of leftovers) {
    await send(
      work,
      index,
      `DROP INDEX CONCURRENTLY IF EXISTS ${identifier(index.schema, index.name)}`,
      work.signal,
    );
  }
  return leftovers.map(nameOf);
}

async function send(
  work: Work,
  index: IndexFacts,
  statement: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { session, database, onProgress, onBlocked } = work;
  const pool = database.direct;
  await work.onStatement?.(statement);
  const relations = [[index.schema, index.table] as const];
  await watchBuild(session, { pool, what: index.name, onProgress }, () =>
    withLongStatements(session, { pool, relations, signal, onBlocked }, async () => {
      await sql.raw(statement).execute(session);
    }),
  );
}

async function sizeOf(db: Db, { schema, name }: IndexFacts): Promise<bigint> {
  const { rows } = await sql<{ bytes: bigint }>`
    SELECT coalesce(pg_relation_size(to_regclass(${identifier(schema, name)})), 0) AS bytes`.execute(db);
  return rows[0]?.bytes ?? 0n;
}

function nameOf({ schema, name }: IndexFacts): string {
  return `${schema}.${name}`;
}
