import { sql } from 'kysely';
import { AppError } from '../core/errors.ts';
import { throwIfAborted } from '../platform/retry.ts';
import { identifier } from './identifier.ts';
import { partitionsWithout, readAttached, readPartitionNames } from './index-partitions.ts';
import { type BuildProgress, watchBuild } from './index-progress.ts';
import {
  definitionOf,
  type FoundIndex,
  partitionIndexName,
  readFound,
  type WantedIndex,
} from './index-shape.ts';
import { type OnBlocked, withShortLock } from './locks.ts';
import { withLongStatements } from './long-statement.ts';
import type { Db } from './schema.ts';
import { sqlState, toAppError } from './sqlstate.ts';

export interface BuildOptions {
  /** Other connections to the same database, to look at the build while it goes on. */
  readonly pool: Db;
  readonly signal?: AbortSignal | undefined;
  readonly onBlocked?: OnBlocked | undefined;
  readonly onProgress?: ((progress: BuildProgress) => void) | undefined;
  /** Told of each statement before it is sent; a test kills the process there. */
  readonly onStatement?: ((statement: string) => void | Promise<void>) | undefined;
  /** Nothing is changed: `onStatement` is told what would be sent. */
  readonly dryRun?: boolean;
}

/** What became of one index. Counts are of partitions; a plain table is one. */
export interface BuildReport {
  readonly index: string;
  readonly table: string;
  /** There was nothing to do. */
  readonly wasThere: boolean;
  readonly built: readonly string[];
  /** Indexes of the same definition that were there, and only had to be attached. */
  readonly attached: readonly string[];
  /** Leftovers of a build that was killed. */
  readonly dropped: readonly string[];
}

interface Work extends BuildOptions {
  readonly session: Db;
  readonly wanted: WantedIndex;
  readonly report: { built: string[]; attached: string[]; dropped: string[] };
}

/**
 * Builds an index, of a partitioned table too, and keeps no writer waiting for longer than a moment. The catalog says what is
 * done, so a run that was killed anywhere is gone on with by the next one; nothing else is remembered. The locks, in order:
 *
 * - of a partitioned table: SHARE on the table itself, which writers wait for, for the moment that an entry in the catalog
 *   takes; it is given up after 200 ms and asked for again;
 * - of each partition, or of the plain table: SHARE UPDATE EXCLUSIVE as long as it is built, which only DDL, VACUUM and
 *   ANALYZE of that one wait for;
 * - ACCESS EXCLUSIVE on the new index of each partition, for the moment in which it is attached, asked for in the same way;
 * - ACCESS EXCLUSIVE on the table and all its partitions, where a unique one meets a duplicate and is dropped again: each lock is waited
 *   for for 50 ms, then all are given up and asked for again.
 *
 * @param session a direct connection outside any transaction; two that build at once are kept apart by the caller
 * @throws AppError conflict/index_differs, conflict/duplicate_key, busy/index_being_built, busy/lock_timeout, aborted/aborted
 */
export async function buildIndex(
  session: Db,
  wanted: WantedIndex,
  options: BuildOptions,
): Promise<BuildReport> {
  const work: Work = { ...options, session, wanted, report: { built: [], attached: [], dropped: [] } };
  const changed = wanted.isPartitioned
    ? await buildPartitioned(work)
    : await buildOne(work, wanted.table, wanted.name);
  const { report } = work;
  return {
    index: `${wanted.schema}.${wanted.name}`,
    table: `${wanted.schema}.${wanted.table}`,
    wasThere: !changed,
    ...report,
  };
}

async function buildPartitioned(work: Work): Promise<boolean> {
  const { wanted, session } = work;
  const parent = await findOwn(work, wanted.table, wanted.name);
  if (parent?.isValid) return sweep(work);
  if (parent === undefined) {
    const unique = wanted.isUnique ? 'UNIQUE ' : '';
    const only = `CREATE ${unique}INDEX ${identifier(wanted.name)} ON ONLY ${identifier(wanted.schema, wanted.table)}${wanted.tail}`;
    await shortly(work, [wanted.table], only);
  }
  // Partitions come and go meanwhile, so they are looked up again after each. What a look finds done is not done again.
  const tried = new Set<string>();
  for (;;) {
    throwIfAborted(work.signal);
    const lacking = await partitionsWithout(session, wanted);
    const next = lacking.find((partition) => !tried.has(partition));
    if (next === undefined && lacking.length > 0 && !work.dryRun) {
      const detail = `${lacking.join(', ')} changed while ${wanted.name} was built. Run it again; it goes on from there.`;
      throw new AppError('busy', 'partition_changed', detail);
    }
    if (next === undefined) break;
    tried.add(next);
    await buildPartition(work, next);
  }
  if (work.dryRun) return true;
  await completeParent(work);
  await sweep(work);
  return true;
}

/** Drops what a killed build left on a partition that has got another one since. True when there was something. */
async function sweep(work: Work): Promise<boolean> {
  const { wanted, session } = work;
  const partitions = await readPartitionNames(session, wanted);
  const names = partitions.map((partition) => partitionIndexName(partition, wanted.table, wanted.name));
  const left = (await readFound(session, wanted.schema, { names })).filter(
    (one) => isLike(one, wanted) && !one.isValid && one.parent === undefined && one.builder === undefined,
  );
  for (const one of left) await dropLeftover(work, one.table ?? wanted.table, one);
  return left.length > 0;
}

/** Builds and attaches one partition's, unless the partition goes away over it: the next look tells. */
async function buildPartition(work: Work, partition: string): Promise<void> {
  const { wanted, session, report } = work;
  const own = (await readFound(session, wanted.schema, { tables: [partition] })).filter(
    (one) =>
      one.table === partition &&
      isLike(one, wanted) &&
      !one.isConstraint &&
      one.parent === undefined &&
      one.isValid,
  );
  const name = partitionIndexName(partition, wanted.table, wanted.name);
  // The one that bears our name was built and not attached. Should a unique one fail elsewhere, what is attached is dropped, and
  // that must not be somebody's own.
  const ready = own.find((one) => one.name === name) ?? (wanted.isUnique ? undefined : own[0]);
  try {
    if (ready === undefined) await buildOne(work, partition, name);
    else report.attached.push(`${wanted.schema}.${ready.name}`);
    const attach = `ALTER INDEX ${identifier(wanted.schema, wanted.name)} ATTACH PARTITION ${identifier(wanted.schema, ready?.name ?? name)}`;
    await shortly(work, [wanted.table, partition], attach);
  } catch (error) {
    // 42P01, 42704: dropped, with its index. 55000: detached, and the index stays with it; or somebody else attached one.
    const state = sqlState(error instanceof AppError ? error.cause : error) ?? '';
    if (!['42P01', '42704', '55000'].includes(state)) throw error;
    if (state === '55000' && ready === undefined) await dropIfReplaced(work, partition, name);
  }
}

/** Drops what was built here, where somebody else has attached another one meanwhile: two would be kept up to date for one. */
async function dropIfReplaced(work: Work, partition: string, name: string): Promise<void> {
  const { wanted, session, report } = work;
  const found = await readFound(session, wanted.schema, { tables: [partition] });
  const own = found.find((one) => one.name === name && one.parent === undefined && isLike(one, wanted));
  if (own === undefined || !found.some((one) => one.parent === wanted.name)) return;
  await dropLeftover(work, partition, own);
  report.built = report.built.filter((built) => built !== `${wanted.schema}.${name}`);
}

/** Builds one table's index by that name, after what an earlier build left half made is gone. False when it is there. */
async function buildOne(work: Work, table: string, name: string): Promise<boolean> {
  const { wanted, report } = work;
  const found = await findOwn(work, table, name);
  if (found?.isValid) return false;
  if (found !== undefined) await dropLeftover(work, table, found);
  const unique = wanted.isUnique ? 'UNIQUE ' : '';
  const statement = `CREATE ${unique}INDEX CONCURRENTLY ${identifier(name)} ON ${identifier(wanted.schema, table)}${wanted.tail}`;
  try {
    await atLength(work, table, statement, name);
  } catch (error) {
    const cause = error instanceof AppError ? error.cause : error;
    if (sqlState(cause) !== '23505') throw error;
    const left = await takeBack(work, table, name).then(
      () => 'Nothing of it was left behind.',
      (failure: unknown) => `What was built of it is still there, for ${toAppError(failure).detail}`,
    );
    const where = (cause as { detail?: string }).detail ?? (cause as Error).message;
    const detail = `${wanted.schema}.${wanted.name} cannot be unique: in ${wanted.schema}.${table} ${where} ${left}`;
    throw new AppError('conflict', 'duplicate_key', detail, { cause });
  }
  report.built.push(`${wanted.schema}.${name}`);
  return true;
}

/** The index of that name, when it is the wanted one, whole or not. */
async function findOwn(work: Work, table: string, name: string): Promise<FoundIndex | undefined> {
  const { wanted, session } = work;
  const [found] = (await readFound(session, wanted.schema, { names: [name] })).filter(
    (one) => one.name === name,
  );
  if (found === undefined) return undefined;
  if (found.table !== table || !isLike(found, wanted)) {
    const asked = definitionOf({ ...wanted, name, table });
    const detail = `${wanted.schema}.${name} is there already, and another one: ${definitionOf(found)}. What was asked for: ${asked}. Drop or rename the one, or name the other otherwise.`;
    throw new AppError('conflict', 'index_differs', detail);
  }
  if (!found.isValid && found.builder !== undefined) {
    const detail = `Session ${found.builder} builds an index of ${wanted.schema}.${table} at this moment, and ${name} is not valid yet. Try again when it is done.`;
    throw new AppError('busy', 'index_being_built', detail);
  }
  return found;
}

function isLike(found: FoundIndex, wanted: WantedIndex): boolean {
  return found.tail === wanted.tail && found.isUnique === wanted.isUnique;
}

async function dropLeftover(work: Work, table: string, { schema, name }: FoundIndex): Promise<void> {
  await atLength(work, table, `DROP INDEX CONCURRENTLY IF EXISTS ${identifier(schema, name)}`, name);
  work.report.dropped.push(`${schema}.${name}`);
}

/** After a duplicate: the table's index, with what was attached to it, and the half made one. */
async function takeBack(work: Work, table: string, name: string): Promise<void> {
  const { wanted } = work;
  await atLength(work, table, `DROP INDEX CONCURRENTLY IF EXISTS ${identifier(wanted.schema, name)}`, name);
  if (table === wanted.table) return;
  const all = [wanted.table, ...(await readPartitionNames(work.session, wanted))];
  await shortly(work, all, `DROP INDEX IF EXISTS ${identifier(wanted.schema, wanted.name)}`, 50);
}

/**
 * The table's index becomes valid with the last one that is attached. Where that one's partition left instead, PostgreSQL looks
 * again when one that is attached is attached once more; of a release that does not, it has to be dropped by a person.
 */
async function completeParent(work: Work): Promise<void> {
  const { wanted, session } = work;
  const parent = identifier(wanted.schema, wanted.name);
  if ((await findOwn(work, wanted.table, wanted.name))?.isValid) return;
  const attached = await readAttached(session, wanted);
  const broken = attached.filter(({ isValid }) => !isValid);
  if (broken.length > 0) {
    const mend = broken.map((one) => `REINDEX INDEX CONCURRENTLY ${identifier(one.schema, one.name)}`);
    const detail = `Somebody attached an index that is not valid to ${wanted.schema}.${wanted.name}. Run \`${mend.join('; ')}\`, then this again.`;
    throw new AppError('conflict', 'index_incomplete', detail);
  }
  const [one] = attached;
  if (one !== undefined) {
    await shortly(
      work,
      [wanted.table, one.partition],
      `ALTER INDEX ${parent} ATTACH PARTITION ${identifier(one.schema, one.name)}`,
    );
    if ((await findOwn(work, wanted.table, wanted.name))?.isValid) return;
  }
  const detail = `Every partition of ${wanted.schema}.${wanted.table} has its part of ${wanted.name}, and PostgreSQL does not see that it is complete. Run \`DROP INDEX ${wanted.schema}.${wanted.name}\` and build it again.`;
  throw new AppError('conflict', 'index_incomplete', detail);
}

async function shortly(
  work: Work,
  tables: readonly string[],
  statement: string,
  lockTimeoutMs?: number,
): Promise<void> {
  await work.onStatement?.(statement);
  if (work.dryRun) return;
  const { session, wanted, signal, onBlocked } = work;
  const relations = tables.map((table) => [wanted.schema, table] as const);
  await withShortLock(session, (trx) => sql.raw(statement).execute(trx), {
    relations,
    signal,
    onBlocked,
    ...(lockTimeoutMs === undefined ? {} : { lockTimeoutMs }),
  });
}

async function atLength(work: Work, table: string, statement: string, index: string): Promise<void> {
  await work.onStatement?.(statement);
  if (work.dryRun) return;
  const { session, wanted, pool, signal, onBlocked, onProgress } = work;
  await watchBuild(session, { pool, what: index, onProgress }, () =>
    withLongStatements(
      session,
      { pool, relations: [[wanted.schema, table]], signal, onBlocked },
      async () => {
        await sql.raw(statement).execute(session);
      },
    ),
  );
}
