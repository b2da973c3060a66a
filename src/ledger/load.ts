import { basename, resolve } from 'node:path';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { createIds } from '../core/id.ts';
import type { Calendar } from '../core/quarter.ts';
import type { Database } from '../db/database.ts';
import type { Trx } from '../db/schema.ts';
import { type OnRetry, throwIfAborted } from '../platform/retry.ts';
import type { AccountCache } from './accounts.ts';
import { makeReady } from './batch.ts';
import { createLedger, readCurrencies, requireLedger } from './ledgers.ts';
import { afterPrefix, inBatches, withLookahead, withRows } from './load-batches.ts';
import { readCsv } from './load-csv.ts';
import { readNdjson } from './load-ndjson.ts';
import { type CreateAccounts, isComplete, withReady } from './load-prepare.ts';
import { type LoadIdentity, openLoad, rememberOptions, startOfPrefix } from './load-progress.ts';
import type { LoadFormat } from './load-record.ts';
import { openRejects, type RejectFile } from './load-rejects.ts';
import { readRow } from './load-row.ts';
import { type LoadSource, type OpenSource, openSource } from './load-source.ts';
import { requireLineEnd, requireUtf8 } from './load-text.ts';
import { commandWords, type LoadWords } from './load-words.ts';
import { createLoadWriter, insist, type OnRows } from './load-write.ts';

/** What a load needs of the rest of the house. */
export interface LoadHouse {
  readonly database: Database;
  readonly calendar: Calendar;
  readonly clock: Clock;
  readonly accounts: AccountCache;
  /** Makes the quarters that hold the instants from the one to the other. */
  readonly ensureQuarters: (from: Date, to: Date) => Promise<void>;
  /** Called in the transaction that ends a load, as its last statements: enqueues what has to follow. */
  readonly finish: (trx: Trx) => Promise<void>;
  /** Rows before this instant are refused. */
  readonly oldest: Date;
  readonly onRows?: OnRows | undefined;
  readonly onRetry?: OnRetry | undefined;
}

export interface LoadOptions {
  readonly ledger: string;
  /** Creates the ledger when it is missing. */
  readonly createLedger?: boolean;
  readonly source: LoadSource;
  /** The load's name, by which it is resumed: the file's name unless given. A stream needs one. */
  readonly id?: string;
  /** By the file's suffix unless given; CSV where that does not tell. */
  readonly format?: LoadFormat;
  readonly amounts: 'decimal' | 'minor';
  /** Creates the accounts that are missing; else a row that names one is a bad row. */
  readonly createAccounts?: CreateAccounts | undefined;
  /** Where bad rows are written; without it the load stops at the first one. */
  readonly rejectFile?: string;
  /** Records in one transaction. */
  readonly batch?: number;
  /** What messages call the options; those of the command line unless given. */
  readonly words?: LoadWords;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: LoadStep) => void;
}

/** After each transaction. The bytes are those of the file as it is stored. */
export interface LoadStep {
  readonly records: number;
  readonly booked: number;
  readonly rejected: number;
  readonly bytesRead: number;
  readonly bytesTotal: number | undefined;
}

export interface LoadReport {
  readonly ledger: string;
  /** Another than was asked for when the same content was loaded under that one. */
  readonly id: string;
  /** It was loaded before, and nothing was done now. */
  readonly alreadyLoaded: boolean;
  /** How many records earlier runs had dealt with. */
  readonly resumedAt: number;
  readonly records: number;
  readonly booked: number;
  readonly rejected: number;
  readonly accountsCreated: number;
}

// Large enough that the statements of a batch are few, small enough that the accounts are not locked for long.
const BATCH = 4000;

/**
 * Loads a file or a stream of transactions, each exactly once, whatever is killed in between: the progress is written in the
 * transaction that writes the rows. Given again, it goes on where it stopped; the same content under another name is
 * the same load. Memory is bounded however long the input.
 *
 * @throws AppError invalid/bad_row with line, column and reason, when the rows before it are booked
 * @throws AppError invalid/… for a source that cannot be read, conflict/load_differs and conflict/load_options_differ for one
 *   that is not what was begun, busy/load_running while another process has the load
 */
export async function load(house: LoadHouse, options: LoadOptions): Promise<LoadReport> {
  const source = await openSource(options.source);
  const stop = () => source.close();
  options.signal?.addEventListener('abort', stop, { once: true });
  try {
    return await loadFrom(source, house, options);
  } catch (error) {
    // A source that was closed under the reader fails in a way of its own.
    throwIfAborted(options.signal);
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', stop);
    source.close();
  }
}

async function loadFrom(source: OpenSource, house: LoadHouse, options: LoadOptions): Promise<LoadReport> {
  const db = house.database.write;
  const { accounts } = house;
  const format = options.format ?? formatOf(options.source);
  const { amounts, createAccounts, words = commandWords } = options;
  const name = idOf(options);
  const ledger = await (options.createLedger ? createLedger : requireLedger)(db, options.ledger);
  const asked = { ledgerId: ledger.id, id: name, sha256: source.sha256 };
  const meaning = { format, amounts, createAccounts: createAccounts ? sorted(createAccounts) : null };
  const opened = await openLoad(db, asked, meaning);
  const identity = { ...asked, id: opened.id };
  const start = opened.progress;
  if (opened.sameContent) return report(start, true, 0);

  const rejects = await openRejectsOf(identity);
  try {
    const prefix = startOfPrefix();
    // A file has an end of its own; of most streams nobody can know whether they came to it.
    const whole =
      'path' in options.source || options.source.whole
        ? source.chunks
        : requireLineEnd(source.name, source.chunks);
    const text = requireUtf8(source.name, whole);
    const found = format === 'csv' ? readCsv(source.name, text) : readNdjson(text);
    const records = afterPrefix({ id: opened.id, words }, found, start, prefix);
    const rules = {
      calendar: house.calendar,
      clock: house.clock,
      amounts,
      currencies: await readCurrencies(db),
      // An id holds the milliseconds since 1970, so nothing older can be booked whatever the setting.
      oldest: new Date(Math.max(0, house.oldest.getTime())),
    };
    const read = withRows(inBatches(records, options.batch ?? BATCH), (record) => readRow(record, rules));
    const patient = { signal: options.signal, onRetry: house.onRetry };
    const batches = withReady(read, rejects === undefined, async (requests) => {
      const ready = await insist(() => makeReady({ db, accounts }, ledger.id, requests), patient);
      // What the batches before this one create meanwhile was not found: then it is read again after them.
      return createAccounts && !isComplete(ready) ? undefined : ready;
    });
    const writer = createLoadWriter({
      ...house,
      db,
      newId: createIds(),
      identity,
      sourceName: source.name,
      words,
      start,
      prefix,
      createAccounts,
      rejects,
      signal: options.signal,
    });
    const tell = () => {
      const { records, booked, rejected } = writer.progress();
      options.onProgress?.({
        records,
        booked,
        rejected,
        bytesRead: source.bytesRead(),
        bytesTotal: source.bytesTotal,
      });
    };
    let empty = true;
    for await (const { item, last } of withLookahead(batches)) {
      throwIfAborted(options.signal);
      empty = false;
      await writer.write(item, last);
      tell();
    }
    const nothingNew = empty && start.state === 'done';
    if (empty && !nothingNew) await writer.write({ rows: [], requests: [], ready: undefined }, true);
    return report(writer.progress(), nothingNew, writer.accountsCreated());
  } finally {
    await rejects?.close();
  }

  async function openRejectsOf(load: LoadIdentity): Promise<RejectFile | undefined> {
    if (options.rejectFile === undefined) return undefined;
    const path = resolve(options.rejectFile);
    const rejects = await openRejects(path, format, start.rejectBytes, opened.previousRejectFile === path);
    await rememberOptions(db, load, { rejectFile: path });
    return rejects;
  }

  function report(end: typeof start, alreadyLoaded: boolean, accountsCreated: number): LoadReport {
    const { records, booked, rejected } = end;
    const resumedAt = start.records;
    return {
      ledger: ledger.name,
      id: opened.id,
      alreadyLoaded,
      resumedAt,
      records,
      booked,
      rejected,
      accountsCreated,
    };
  }
}

function formatOf(source: LoadSource): LoadFormat {
  return 'path' in source && /\.(ndjson|jsonl)(\.(gz|zst))?$/i.test(source.path) ? 'ndjson' : 'csv';
}

/** @throws AppError invalid/load_id */
function idOf({ id, source }: LoadOptions): string {
  const name = id ?? ('path' in source ? basename(source.path) : '');
  if (/^[^\p{Cc}]{1,255}$/u.test(name)) return name;
  const detail =
    name === ''
      ? 'A load from a stream needs an --id, by which it is known when it goes on.'
      : 'The id of a load has 1 to 255 characters and no control characters. Give another --id.';
  throw new AppError('invalid', 'load_id', detail);
}

function sorted({ allowNegative }: CreateAccounts): CreateAccounts {
  return { allowNegative: allowNegative === '*' ? '*' : [...new Set(allowNegative)].sort() };
}
