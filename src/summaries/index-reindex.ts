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
  /** Leftovers that could not be dropped, and why. */
  readonly kept: readonly { readonly index: string; readonly detail: string }[];
  readonly indexes: readonly ReindexOutcome[];
  /** For these there was no time. */
  readonly left: readonly string[];
  readonly freed: bigint;
}

export interface ReindexOptions {
  readonly limits?: Thresholds;
  /** After so many seconds nothing more is begun, and what is under way is cancelled; sweeping up after it may take a minute. */
  readonly budget?: number;
  /** Seconds that sweeping up may take each time. */
  readonly sweep?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: { what: string; done: number; total: number }) => void) | undefined;
  readonly onBlocked?: OnBlocked | undefined;
  /** Told of each statement before it is sent; a test kills the process there. */
  readonly onStatement?: ((statement: string) => void | Promise<void>) | undefined;
}

/** Two hours: from Sunday at half past three until people get up. */
const BUDGET = 7200;

/** Seconds for a sweep: to drop an index is to wait for all who read its table, a dump for instance, and the next run can do it. */
const SWEEP = 60;

interface Work extends ReindexOptions {
  readonly database: Pick<Database, 'direct'>;
  readonly session: Db;
  readonly sweep: number;
  /** Leftovers that this run has tried in vain to drop, and why; it does not try again. */
  readonly kept: Map<string, string>;
}

/**
 * Builds anew what is bloated or not valid, CONCURRENTLY and one at a time: readers and writers go on meanwhile, and the disk has
 * to hold one more of the index only. First what an earlier run left behind is dropped. An index that fails, or a leftover that has to
 * stay, does not keep the others from being done.
 *
 * @throws AppError busy/already_running, aborted/aborted
 */
export async function reindex(
  database: Pick<Database, 'direct'>,
  options: ReindexOptions = {},
): Promise<ReindexReport> {
  return withNamedLock(database.direct, INDEX_LOCK, async (session) => {
    const budget = options.budget ?? BUDGET;
    const elapsed = stopwatch();
    const work: Work = { sweep: SWEEP, ...options, database, session, kept: new Map() };
    const dropped = await dropLeftovers(work);
    const limit = { pool: database.direct, signal: within(work, budget - elapsed()) };
    const { report, facts } = await readAudit(session, options.limits ?? thresholds, [], limit);
    const wanted = report.findings.flatMap(({ kind, index }) => {
      const found = facts.find((one) => `${one.schema}.${one.name}` === index);
      // Of a partitioned table there is nothing to be built anew: some of its parts were never built.
      if (found === undefined || found.on === 'partitioned') return [];
      return kind === 'bloated' || kind === 'invalid' ? [{ found, why: kind }] : [];
    });
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
      kept: [...work.kept].map(([index, detail]) => ({ index, detail })),
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
  const signal = within(work, left);
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

/** Aborted after so many seconds, and when the run is to stop. */
function within({ signal }: Work, seconds: number): AbortSignal {
  const late = AbortSignal.timeout(Math.max(0, Math.ceil(seconds * 1000)));
  return signal === undefined ? late : AbortSignal.any([late, signal]);
}

/** What those that died left behind: every write keeps it up to date for nothing. One that has to stay keeps no other. */
async function dropLeftovers(work: Work): Promise<string[]> {
  const facts = await readIndexFacts(work.session);
  const signal = within(work, work.sweep);
  const dropped: string[] = [];
  for (const index of facts.filter((one) => leftoverOf(one, facts) !== undefined)) {
    const name = nameOf(index);
    if (work.kept.has(name)) continue;
    const drop = `DROP INDEX CONCURRENTLY IF EXISTS ${identifier(index.schema, index.name)}`;
    try {
      await send(work, index, drop, signal);
      dropped.push(name);
    } catch (error) {
      const { kind, code, detail } = toAppError(error);
      if (kind === 'unavailable' || work.signal?.aborted) throw error;
      const why = isAppError(error, 'aborted')
        ? `Its table was read, or other leftovers had to be waited for, for ${work.sweep} s. The next run tries again.`
        : `${detail} [${code}]`;
      work.kept.set(name, why);
    }
  }
  return dropped;
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
