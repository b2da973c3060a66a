import type { Hash } from 'node:crypto';
import type { Outcome } from '../core/decide.ts';
import { AppError } from '../core/errors.ts';
import type { Trx } from '../db/schema.ts';
import { isTransient } from '../db/sqlstate.ts';
import { type OnRetry, retry } from '../platform/retry.ts';
import { type BatchHouse, patience, type Ready, writeBatch } from './batch.ts';
import { type LoadRow, rollOver } from './load-batches.ts';
import {
  type CreateAccounts,
  createMissingAccounts,
  type LoadBatch,
  quarterPreparer,
} from './load-prepare.ts';
import { advanceLoad, type LoadIdentity, type LoadProgress, sameProgress } from './load-progress.ts';
import type { LoadRecord } from './load-record.ts';
import type { Reject, RejectFile } from './load-rejects.ts';
import { faultOf, type LoadWords } from './load-words.ts';
import type { TransactionRequest } from './request.ts';

/** Told after each transaction what became of its rows. The bad row that stops a load is a rejected one. */
export type OnRows = (rows: { readonly booked: number; readonly rejected: number }) => void;

interface LoadWriterParts extends BatchHouse {
  readonly ensureQuarters: (from: Date, to: Date) => Promise<void>;
  readonly finish: (trx: Trx) => Promise<void>;
  readonly identity: LoadIdentity;
  readonly sourceName: string;
  readonly words: LoadWords;
  /** Where the load stands, and the digest over the records until there. */
  readonly start: LoadProgress;
  readonly prefix: Hash;
  readonly createAccounts: CreateAccounts | undefined;
  /** Takes the bad rows; without it the first of them stops the load. */
  readonly rejects: RejectFile | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onRows?: OnRows | undefined;
}

export interface LoadWriter {
  /** Books a batch of rows and moves the load's progress over them, in one transaction. */
  write(batch: LoadBatch, last: boolean): Promise<void>;
  progress(): LoadProgress;
  accountsCreated(): number;
}

/** What a batch comes to, once the ledger's rules have been asked. */
interface Tally {
  readonly to: LoadProgress;
  readonly prefix: Hash;
  readonly rejects: readonly Reject[];
  readonly rejectedBytes: Buffer;
  /** The bad row that stops the load. */
  readonly stoppedBy: Reject | undefined;
}

/** Thrown inside the transaction: the row of the load says that this batch is committed already. */
class AlreadyCommitted extends Error {
  readonly tally: Tally;
  constructor(tally: Tally) {
    super('the batch is committed already');
    this.tally = tally;
  }
}

/** A load is retried for longer than a request: about ten seconds, in which a PostgreSQL restarts. */
const ATTEMPTS = 12;

export function createLoadWriter(parts: LoadWriterParts): LoadWriter {
  const { db, accounts, identity, rejects, createAccounts } = parts;
  const { ledgerId } = identity;
  const prepareQuarters = quarterPreparer(db, parts.calendar, parts.ensureQuarters);
  let { start: progress, prefix } = parts;
  let accountsCreated = 0;

  async function write({ rows, requests, ready }: LoadBatch, last: boolean): Promise<void> {
    if (createAccounts)
      accountsCreated += await insist(
        () => createMissingAccounts(db, accounts, ledgerId, requests, createAccounts),
        parts,
      );
    await insist(() => prepareQuarters(requests), parts);

    const attempted: Tally[] = [];
    const tally = await commit(requests, ready, async (trx, outcomes) => {
      const tried = takeStock(rows, outcomes, last);
      attempted.push(tried);
      const found = await advanceLoad(trx, identity, progress, tried.to);
      if (found) {
        // A connection that was lost as it committed leaves a commit behind nobody heard of.
        const committed = attempted.find(({ to }) => sameProgress(to, found));
        if (committed) throw new AlreadyCommitted(committed);
        const detail = `Another process runs the load ${JSON.stringify(identity.id)} now. Let it finish, or end it and give the input again.`;
        throw new AppError('busy', 'load_running', detail);
      }
      // The row of the load is held from here to the commit, so only one process writes the file.
      // At the end it is written in any case, which cuts off what a killed run may have left behind.
      if (tried.rejects.length > 0 || tried.to.state === 'done')
        await rejects?.write(progress.rejectBytes, tried.rejectedBytes);
      if (tried.to.state === 'done') await parts.finish(trx);
      return tried;
    });
    parts.onRows?.({
      booked: tally.to.booked - progress.booked,
      rejected: tally.to.rejected - progress.rejected + (tally.stoppedBy ? 1 : 0),
    });
    ({ to: progress, prefix } = tally);
    if (tally.stoppedBy) throw badRow(parts, tally.stoppedBy, progress.booked);
  }

  async function commit(
    requests: readonly TransactionRequest[],
    ready: Ready | undefined,
    within: (trx: Trx, outcomes: readonly Outcome[]) => Promise<Tally>,
  ): Promise<Tally> {
    let tally: Tally | undefined;
    try {
      await writeBatch(parts, ledgerId, requests, {
        stopAtRefusal: rejects === undefined,
        guarded: true,
        ready,
        attempts: ATTEMPTS,
        signal: parts.signal,
        within: async (trx, outcomes) => {
          tally = await within(trx, outcomes);
        },
      });
    } catch (error) {
      if (error instanceof AlreadyCommitted) return error.tally;
      throw error;
    }
    return tally as Tally;
  }

  /** Goes through the records in order: which are booked, which are rejected, and where it ends. */
  function takeStock(rows: readonly LoadRow[], outcomes: readonly Outcome[], last: boolean): Tally {
    const rolled = prefix.copy();
    const rejected: Reject[] = [];
    let stoppedBy: Reject | undefined;
    let asked = 0;
    for (const { record, fault } of rows) {
      const reject = fault ? { record, fault } : refusedBy(outcomes[asked++], record, parts.words);
      if (reject && !rejects) {
        stoppedBy = reject;
        break;
      }
      if (reject) rejected.push(reject);
      rollOver(rolled, record);
    }
    const booked = outcomes.filter(({ kind }) => kind !== 'refused').length;
    const rejectedBytes = rejects?.encode(progress.rejectBytes, rejected) ?? Buffer.alloc(0);
    const to: LoadProgress = {
      state: stoppedBy ? 'stopped' : last ? 'done' : 'running',
      records: progress.records + booked + rejected.length,
      prefixSha256: rolled.copy().digest('hex'),
      booked: progress.booked + booked,
      rejected: progress.rejected + rejected.length,
      rejectBytes: progress.rejectBytes + rejectedBytes.length,
    };
    return { to, prefix: rolled, rejects: rejected, rejectedBytes, stoppedBy };
  }

  return { write, progress: () => progress, accountsCreated: () => accountsCreated };
}

/** Does again what does nothing twice, for as long as a load is patient. */
export function insist<T>(
  action: () => Promise<T>,
  { signal, onRetry }: { readonly signal?: AbortSignal | undefined; readonly onRetry?: OnRetry | undefined },
): Promise<T> {
  return retry(action, { ...patience, attempts: ATTEMPTS, retryable: isTransient, onRetry, signal });
}

function refusedBy(outcome: Outcome | undefined, record: LoadRecord, words: LoadWords): Reject | undefined {
  return outcome?.kind === 'refused' ? { record, fault: faultOf(outcome, record, words) } : undefined;
}

function badRow(
  { sourceName, words }: Pick<LoadWriterParts, 'sourceName' | 'words'>,
  { record, fault }: Reject,
  booked: number,
): AppError {
  const column = fault.column === undefined ? '' : `, column ${fault.column}`;
  const detail = `${sourceName}, line ${record.line}${column}: ${sentence(fault.reason)} The ${booked} transactions before it are booked. ${words.mend}`;
  return new AppError('invalid', 'bad_row', detail);
}

/** Reasons come as phrases from the readers and as sentences from the ledger. */
function sentence(reason: string): string {
  return /[.?!]$/.test(reason) ? reason : `${reason}.`;
}
