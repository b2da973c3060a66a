import { type CursorReader, cursorScope, encodeCursor, readCursor } from '../core/cursor.ts';
import { AppError } from '../core/errors.ts';
import type { Calendar } from '../core/quarter.ts';
import { readOfflineQuarters } from '../db/offline-quarters.ts';
import type { Db } from '../db/schema.ts';
import type { AccountView } from './account-list.ts';
import { accountOf } from './account-of.ts';
import { readBalanceBefore, readBalanceNow } from './balance.ts';
import { query } from './query.ts';

export interface StatementQuery {
  readonly account: string;
  readonly currency?: string | undefined;
  /** Instants: from the one, and before the other, which is now when left out. */
  readonly from: Date;
  readonly to?: Date | undefined;
  /** 1 to 1000. */
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface StatementLine {
  readonly createdAt: Date;
  readonly transactionId: string;
  /** Negative where money left the account. */
  readonly amount: bigint;
  readonly balanceAfter: bigint;
  readonly version: bigint;
  readonly referenceCode: string | null;
  readonly description: string | null;
  readonly effectiveAt: Date | null;
}

/** Minor units, oldest entry first. */
export interface Statement {
  readonly accountId: bigint;
  readonly account: string;
  readonly currency: string;
  readonly from: Date;
  readonly to: Date;
  /** The balances before and after the whole range, on every page the same. */
  readonly opening: bigint;
  readonly closing: bigint;
  readonly lines: readonly StatementLine[];
  readonly next: string | undefined;
  /** Quarters in the range whose entries are not online, so that the lines leap over what they held. */
  readonly archivedQuarters: readonly string[];
}

interface LineRow {
  readonly created_at: Date;
  readonly transaction_id: string;
  readonly amount: bigint;
  readonly balance_after: bigint;
  readonly version: bigint;
  readonly reference_code: string | null;
  readonly description: string | null;
  readonly effective_at: Date | null;
}

/** What the pages of a statement share, fixed with the first, and after which entry one begins. */
interface Position {
  /** Nothing after it was booked when the first page was read. */
  readonly until: Date;
  /** The version the account had then: what is booked since is in no page, and changes no balance. */
  readonly version: bigint;
  readonly after: { readonly at: Date; readonly version: bigint };
}

const statementLines = query<LineRow>('statement_lines');

/**
 * All pages of a statement show the account as it was when the first was read: entries up to its version of then, which are
 * there for ever, so that the several statements of SQL that read them need no common snapshot.
 *
 * @throws AppError as readBalance does, and invalid/cursor_invalid, invalid/invalid_filter
 */
export async function readStatement(
  house: { readonly db: Db; readonly calendar: Calendar },
  ledgerId: number,
  request: StatementQuery,
): Promise<Statement> {
  const { db } = house;
  const { from, limit } = request;
  check(house.calendar, request);
  const found = await accountOf(db, ledgerId, request.account, request.currency);
  const { id: accountId, account, currency } = found;
  const scope = cursorScope({ list: 'statement', ledgerId, accountId, from, to: request.to });
  const position =
    request.cursor === undefined
      ? await begin(db, ledgerId, found, from, request.to)
      : readPosition(readCursor(scope, request.cursor));
  const { until, version, after } = position;
  const to = request.to ?? until;
  if (from > to) throw invalid('The statement ends before it begins.');

  const opening = await readBalanceBefore(house, ledgerId, found, from, version);
  const closing = await readBalanceBefore(house, ledgerId, found, to, version);
  const rows = await statementLines(db, [
    ledgerId,
    accountId,
    after.at.toISOString(),
    after.version,
    until.toISOString(),
    version,
    limit + 1,
  ]);
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  // Asked last: a quarter that is detached meanwhile is missing among the lines, or named here too often.
  const offline = await readOfflineQuarters(db, from, to);
  return {
    accountId,
    account,
    currency,
    from,
    to,
    opening,
    closing,
    lines: rows.slice(0, limit).map(toLine),
    next: last && encodeCursor(scope, [until, version, last.created_at, last.version]),
    archivedQuarters: offline.map(({ name }) => name),
  };
}

/** The first page takes what is booked by now, the millisecond it is included. */
async function begin(
  db: Db,
  ledgerId: number,
  account: AccountView,
  from: Date,
  to: Date | undefined,
): Promise<Position> {
  const { at, version } = await readBalanceNow(db, ledgerId, account);
  const end = new Date(at.getTime() + 1);
  return { until: to && to < end ? to : end, version, after: { at: from, version: 0n } };
}

function readPosition(cursor: CursorReader): Position {
  const position = {
    until: cursor.instant(),
    version: cursor.count(),
    after: { at: cursor.instant(), version: cursor.count() },
  };
  cursor.end();
  return position;
}

function toLine(row: LineRow): StatementLine {
  return {
    createdAt: row.created_at,
    transactionId: row.transaction_id,
    amount: row.amount,
    balanceAfter: row.balance_after,
    version: row.version,
    referenceCode: row.reference_code,
    description: row.description,
    effectiveAt: row.effective_at,
  };
}

function check(calendar: Calendar, { from, to, limit }: StatementQuery): void {
  for (const instant of [from, to]) if (instant) calendar.dayOf(instant);
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= 1000)) {
    throw invalid(`A page has 1 to 1000 lines, not ${limit}.`);
  }
}

function invalid(detail: string): AppError {
  return new AppError('invalid', 'invalid_filter', detail);
}
