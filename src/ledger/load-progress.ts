import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { AppError } from '../core/errors.ts';
import { canonicalJson } from '../core/json.ts';
import type { Db, Trx } from '../db/schema.ts';
import type { LoadFormat } from './load-record.ts';

/** How far a load is, as its row says it. */
export interface LoadProgress {
  readonly state: 'running' | 'stopped' | 'done';
  /** Records of the input that are dealt with: booked or rejected. */
  readonly records: number;
  /** SHA-256 over those records. */
  readonly prefixSha256: string;
  readonly booked: number;
  readonly rejected: number;
  /** The length of the reject file that belongs to them. */
  readonly rejectBytes: number;
}

/** What changes the meaning of the records, and so has to be the same when a load goes on. */
export interface LoadMeaning {
  readonly format: LoadFormat;
  readonly amounts: 'decimal' | 'minor';
  readonly createAccounts: { readonly allowNegative: '*' | readonly string[] } | null;
}

export interface LoadIdentity {
  readonly ledgerId: number;
  readonly id: string;
  /** Of the whole file; undefined for a stream. */
  readonly sha256: string | undefined;
}

export interface OpenedLoad {
  /** The load's own name: another than was asked for when the same content is known under that. */
  readonly id: string;
  readonly progress: LoadProgress;
  /** The file was loaded to its end, byte for byte. */
  readonly sameContent: boolean;
  /** The reject file of the last run, to know leftovers of ours from a file of somebody else's. */
  readonly previousRejectFile: string | undefined;
}

interface StoredOptions extends LoadMeaning {
  readonly rejectFile?: string | undefined;
}

const progressColumns = ['state', 'records', 'prefix_sha256', 'booked', 'rejected', 'reject_bytes'] as const;

/** What rolls over the records. */
export const startOfPrefix = () => createHash('sha256');

/**
 * Finds or begins the load. Loads of one ledger begin one after the other, so that the same file given twice at once,
 * under two names, is one load.
 *
 * @throws AppError conflict/load_options_differ
 */
export async function openLoad(
  db: Db,
  { ledgerId, id, sha256 }: LoadIdentity,
  meaning: LoadMeaning,
): Promise<OpenedLoad> {
  return db.transaction().execute(async (trx) => {
    await sql`SELECT FROM ledger.ledgers WHERE id = ${ledgerId} FOR NO KEY UPDATE`.execute(trx);
    // Locked, which waits for the last transaction of a process that was killed while it committed.
    const loads = trx
      .selectFrom('quartermaster.loads')
      .select(['id', 'options', 'source_sha256', ...progressColumns])
      .where('ledger_id', '=', ledgerId)
      .forUpdate();
    const known =
      (await loads.where('id', '=', id).executeTakeFirst()) ??
      (sha256 === undefined
        ? undefined
        : await loads.where('source_sha256', '=', sha256).orderBy('started_at').executeTakeFirst());
    if (!known) {
      const progress = { state: 'running', records: 0, booked: 0, rejected: 0, rejectBytes: 0 } as const;
      const prefixSha256 = startOfPrefix().digest('hex');
      await trx
        .insertInto('quartermaster.loads')
        .values({
          ledger_id: ledgerId,
          id,
          state: 'running',
          source_sha256: sha256 ?? null,
          prefix_sha256: prefixSha256,
          options: JSON.stringify(meaning),
        })
        .execute();
      return {
        id,
        progress: { ...progress, prefixSha256 },
        sameContent: false,
        previousRejectFile: undefined,
      };
    }
    const progress = progressOf(known);
    const stored = known.options as unknown as StoredOptions;
    requireSameMeaning(known.id, stored, meaning, progress.records);
    const sameContent = progress.state === 'done' && sha256 !== undefined && known.source_sha256 === sha256;
    // Without the reject file: it becomes this load's only when it was found to be no one else's.
    if (!sameContent) await rememberOptions(trx, { ledgerId, id: known.id, sha256 }, meaning);
    return { id: known.id, progress, sameContent, previousRejectFile: stored.rejectFile };
  });
}

/** Keeps options with the load, beside those it has. */
export async function rememberOptions(
  db: Db,
  { ledgerId, id }: LoadIdentity,
  options: Partial<StoredOptions>,
): Promise<void> {
  await db
    .updateTable('quartermaster.loads')
    .set({ options: sql`options || ${JSON.stringify(options)}::jsonb` })
    .where('ledger_id', '=', ledgerId)
    .where('id', '=', id)
    .execute();
}

/**
 * Moves the load from what this process knows to what it did, in the transaction that does it. Returns undefined when the row
 * is no longer as it was known, and then nothing may be committed: the way it is now, to find out why.
 */
export async function advanceLoad(
  trx: Trx,
  { ledgerId, id, sha256 }: LoadIdentity,
  from: LoadProgress,
  to: LoadProgress,
): Promise<LoadProgress | undefined> {
  const moved = await trx
    .updateTable('quartermaster.loads')
    .set({
      state: to.state,
      // Not before: a longer file whose first new record is not booked yet must not pass for one that is loaded.
      ...(sha256 === undefined ? {} : { source_sha256: sha256 }),
      records: BigInt(to.records),
      prefix_sha256: to.prefixSha256,
      booked: BigInt(to.booked),
      rejected: BigInt(to.rejected),
      reject_bytes: BigInt(to.rejectBytes),
      updated_at: sql<Date>`clock_timestamp()`,
      finished_at: to.state === 'done' ? sql<Date>`clock_timestamp()` : null,
    })
    .where('ledger_id', '=', ledgerId)
    .where('id', '=', id)
    .where('records', '=', BigInt(from.records))
    .where('state', '=', from.state)
    .executeTakeFirst();
  if (moved.numUpdatedRows === 1n) return undefined;
  const row = await trx
    .selectFrom('quartermaster.loads')
    .select(progressColumns)
    .where('ledger_id', '=', ledgerId)
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  return progressOf(row);
}

/** In everything: a process that meets another's work may agree on the records and not on what became of them. */
export function sameProgress(a: LoadProgress, b: LoadProgress): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

function progressOf(row: {
  state: LoadProgress['state'];
  records: bigint;
  prefix_sha256: string;
  booked: bigint;
  rejected: bigint;
  reject_bytes: bigint;
}): LoadProgress {
  return {
    state: row.state,
    records: Number(row.records),
    prefixSha256: row.prefix_sha256,
    booked: Number(row.booked),
    rejected: Number(row.rejected),
    rejectBytes: Number(row.reject_bytes),
  };
}

/**
 * Refuses to go on under another meaning. Before the first record there is none yet; and accounts that were not
 * created may be created from now on, for nothing that is booked would have been booked otherwise.
 */
function requireSameMeaning(id: string, stored: LoadMeaning, given: LoadMeaning, records: number): void {
  if (records === 0) return;
  const differ = [
    stored.format === given.format ? '' : `format was ${stored.format}`,
    stored.amounts === given.amounts ? '' : `amounts were ${stored.amounts}`,
    stored.createAccounts === null ||
    canonicalJson(stored.createAccounts) === canonicalJson(given.createAccounts)
      ? ''
      : `accounts were created with allowNegative ${JSON.stringify(stored.createAccounts.allowNegative)}`,
  ].filter((text) => text !== '');
  if (differ.length === 0) return;
  const detail = `The load ${JSON.stringify(id)} began with other options: ${differ.join(', ')}. Give the same ones to go on.`;
  throw new AppError('conflict', 'load_options_differ', detail);
}

/** True when the load was done to its end, whatever its source would hold today. */
export async function isLoadDone(db: Db, ledger: string, id: string): Promise<boolean> {
  const done = await db
    .selectFrom('quartermaster.loads as l')
    .innerJoin('ledger.ledgers as g', 'g.id', 'l.ledger_id')
    .select('l.id')
    .where('g.name', '=', ledger)
    .where('l.id', '=', id)
    .where('l.state', '=', 'done')
    .executeTakeFirst();
  return done !== undefined;
}

/** How far a load has come, for who asks. */
export interface LoadView {
  readonly id: string;
  readonly state: 'running' | 'stopped' | 'done';
  readonly records: bigint;
  readonly booked: bigint;
  readonly rejected: bigint;
  readonly startedAt: Date;
  readonly updatedAt: Date;
  readonly finishedAt: Date | null;
}

export async function findLoad(db: Db, ledgerId: number, id: string): Promise<LoadView | undefined> {
  return db
    .selectFrom('quartermaster.loads')
    .select(['id', 'state', 'records', 'booked', 'rejected'])
    .select(['started_at as startedAt', 'updated_at as updatedAt', 'finished_at as finishedAt'])
    .where('ledger_id', '=', ledgerId)
    .where('id', '=', id)
    .executeTakeFirst();
}
