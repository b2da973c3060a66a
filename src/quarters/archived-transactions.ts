import type { FileCache } from '../archive/cache.ts';
import { type Duck, literal } from '../archive/duckdb.ts';
import { type ArchiveSource, withArchives, withTimeout } from '../archive/query.ts';
import { MAX_TEXT } from '../core/account.ts';
import { AppError } from '../core/errors.ts';
import { afterPrefix } from '../core/prefix.ts';

/** What a page of a quarter's transactions is narrowed to. */
export interface ArchivedSearch {
  readonly ledgerId: number;
  readonly userId?: string | undefined;
  readonly status?: 'SUCCESS' | 'FAILED' | undefined;
  /** Instants: from the one, and before the other. */
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
  readonly referencePrefix?: string | undefined;
  /** Those that moved one of these accounts. */
  readonly accountIds?: readonly bigint[] | undefined;
  readonly currency?: string | undefined;
  /** From 1. */
  readonly limit: number;
  /** What comes after this one. */
  readonly after?: { readonly at: Date; readonly id: string } | undefined;
}

/** A transaction as its archive holds it. What is wider than a number keeps comes as text. */
export interface ArchivedRow {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly created_ms: number;
  readonly user_id: string;
  readonly status: 'SUCCESS' | 'FAILED';
  readonly currency: string;
  readonly amount: string;
  readonly reference_code: string | null;
  readonly description: string | null;
  /** Milliseconds since 1970. */
  readonly effective_ms: number | null;
  /** A JSON document. */
  readonly metadata: string | null;
  readonly reverses: string | null;
  readonly settles: string | null;
}

export interface ArchivedPage {
  /** By time and then by id, the highest first. */
  readonly rows: readonly ArchivedRow[];
  /** There are more after the last of them. */
  readonly more: boolean;
}

/** How many times the rows wanted the first stretch of time is expected to have, and how much wider each next one is. */
const AMPLE = 8;
const WIDER = 16;

/**
 * How many rows the first stretch is expected to have at least where only some of them are wanted. A file is read in groups
 * of up to 122,880 rows, so less would be to read the same group again and again.
 */
const AMPLE_FILTERED = 200_000;

/**
 * A page of the transactions of one quarter, from its archive. The rows of a ledger lie in the order of their time, with the
 * bounds of each group of rows in the file: so it is read in stretches of time from the end, each wider than the
 * one before, until the page is full, and no row is looked at twice.
 *
 * @throws AppError busy/read_too_slow after `timeoutMs`
 * @throws AppError aborted/aborted, corrupt/archive_damaged, and whatever the cache throws
 */
export async function readArchivedPage(
  cache: FileCache,
  source: ArchiveSource,
  search: ArchivedSearch,
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
): Promise<ArchivedPage> {
  const { manifest } = source;
  const booked = countOf(source, search.ledgerId);
  const start = later(search.from, new Date(manifest.starts_at));
  const end = earlier(search.to, new Date(manifest.ends_at));
  if (booked === 0 || end <= start || search.accountIds?.length === 0) return { rows: [], more: false };
  const tooSlow = () => {
    const detail = `The archive of ${manifest.quarter} was not read within ${options.timeoutMs / 1000} s. Narrow the list, above all by from and to, or try again: what was fetched is kept.`;
    return new AppError('busy', 'read_too_slow', detail);
  };
  return withTimeout({ ...options, tooSlow }, async (signal) => {
    const tables = search.accountIds === undefined ? ['transactions'] : ['transactions', 'entries'];
    return withArchives(cache, [source], { tables, signal }, async (duck) => {
      const wanted = search.limit + 1;
      const rows: ArchivedRow[] = [];
      const whole = Date.parse(manifest.ends_at) - Date.parse(manifest.starts_at);
      const expected = isFiltered(search) ? Math.max(AMPLE * wanted, AMPLE_FILTERED) : AMPLE * wanted;
      let width = Math.max(1, Math.ceil((whole * expected) / booked));
      let until = search.after === undefined ? end : earlier(search.after.at, end);
      // The rows of the instant itself come first, those of them that were not told before.
      let upTo = search.after !== undefined && search.after.at < end;
      while (rows.length < wanted && (until > start || (upTo && until >= start))) {
        const since = later(new Date(until.getTime() - width), start);
        rows.push(...(await readStretch(duck, search, { since, until, upTo }, wanted - rows.length)));
        [until, upTo] = [since, false];
        width *= WIDER;
      }
      return { rows: rows.slice(0, search.limit), more: rows.length > search.limit };
    });
  });
}

function isFiltered({ userId, status, referencePrefix, accountIds, currency }: ArchivedSearch): boolean {
  return [userId, status, referencePrefix, accountIds, currency].some((filter) => filter !== undefined);
}

/** How many transactions a ledger has in the quarter; of which the manifest keeps count. */
function countOf({ manifest }: ArchiveSource, ledgerId: number): number {
  const ledger = manifest.ledgers.find(({ id }) => id === ledgerId);
  return ledger?.currencies.reduce((sum, { transactions }) => sum + transactions, 0) ?? 0;
}

interface Stretch {
  readonly since: Date;
  readonly until: Date;
  /** Of the last instant what comes after the search's `after`; otherwise it is not in it. */
  readonly upTo: boolean;
}

async function readStretch(
  duck: Duck,
  search: ArchivedSearch,
  { since, until, upTo }: Stretch,
  limit: number,
): Promise<ArchivedRow[]> {
  const { ledgerId, userId, status, referencePrefix, accountIds, currency, after } = search;
  const range = [
    `ledger_id = ${Math.trunc(ledgerId)}`,
    `created_at >= ${instant(since)}`,
    `created_at ${upTo ? '<=' : '<'} ${instant(until)}`,
  ];
  const conditions = [...range];
  const values: Record<string, string> = {};
  const hold = (name: string, value: string): string => {
    values[name] = value;
    return `$${name}`;
  };
  if (upTo && after !== undefined) {
    conditions.push(`(created_at < ${instant(after.at)} OR id < ${hold('after', after.id)})`);
  }
  if (userId !== undefined) conditions.push(`user_id = ${hold('user', userId)}`);
  if (status !== undefined) conditions.push(`status = ${literal(status)}`);
  // Accounts are those of the currency already.
  if (currency !== undefined && accountIds === undefined) {
    conditions.push(`currency = ${hold('currency', currency)}`);
  }
  if (referencePrefix !== undefined) {
    const before = afterPrefix(referencePrefix, MAX_TEXT.reference_code);
    conditions.push(
      `reference_code >= ${hold('prefix', referencePrefix)} AND reference_code < ${hold('before', before)}`,
    );
  }
  if (accountIds !== undefined) {
    // Entries lie in the order of their accounts: few groups of rows hold those of one.
    conditions.push(`id IN (SELECT transaction_id FROM entries
      WHERE ${range.join(' AND ')} AND account_id IN (${accountIds.map(String).join(', ')}))`);
  }
  return duck.rows<ArchivedRow>(
    `SELECT id, epoch_ms(created_at)::DOUBLE AS created_ms, user_id, status, currency, amount::VARCHAR AS amount,
       reference_code, description, epoch_ms(effective_at)::DOUBLE AS effective_ms, metadata, reverses, settles
     FROM transactions
     WHERE ${conditions.join(' AND ')}
     ORDER BY created_at DESC, id DESC
     LIMIT ${Math.trunc(limit)}`,
    values,
  );
}

function instant(date: Date): string {
  return `TIMESTAMPTZ ${literal(date.toISOString())}`;
}

function later(a: Date | undefined, b: Date): Date {
  return a !== undefined && a > b ? a : b;
}

function earlier(a: Date | undefined, b: Date): Date {
  return a !== undefined && a < b ? a : b;
}
