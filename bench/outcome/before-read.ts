import type pg from 'pg';
import { parseAddress } from '../../src/core/account.ts';
import { periodName } from '../../src/core/days.ts';
import { AppError } from '../../src/core/errors.ts';
import type { BalanceQuery, BalanceView } from '../../src/ledger/balance.ts';
import type { TransactionList, TransactionPage } from '../../src/ledger/list.ts';
import { type ListedRow, toRow } from '../../src/ledger/list-rows.ts';
import type { DailyLine, DailyQuery, DailyReport } from '../../src/summaries/report.ts';

/** One page: how many there are in all, and the rows behind those that are passed over. Its cursor is how many that are. */
export async function listBefore(pool: pg.Pool, query: TransactionList): Promise<TransactionPage> {
  const where: string[] = [];
  const values: unknown[] = [];
  if (query.userId !== undefined) where.push(`user_id = $${values.push(query.userId)}`);
  if (query.status !== undefined) where.push(`status = $${values.push(query.status)}`);
  const filter = where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`;
  const { rows: counted } = await pool.query<{ count: bigint }>(
    `SELECT count(*) FROM naive.transactions ${filter}`,
    values,
  );
  const count = counted[0]?.count ?? 0n;
  const offset = Number(query.cursor ?? 0);
  const { rows } = await pool.query<Omit<ListedRow, 'reverses' | 'settles'>>(
    `SELECT * FROM naive.transactions ${filter}
     ORDER BY created_at DESC, id DESC LIMIT $${values.length + 1} OFFSET $${values.length + 2}`,
    [...values, query.limit, offset],
  );
  const next = offset + query.limit;
  return {
    transactions: rows.map((row) => toRow({ ...row, reverses: null, settles: null })),
    next: next < count ? String(next) : undefined,
    total: { count, exact: true },
    archivedQuarters: [],
  };
}

interface AccountRow {
  readonly id: bigint;
  readonly balance: bigint;
  readonly min_balance: bigint | null;
}

/** Now it stands with the account; as it was at an instant it is the sum of the entries up to then. */
export async function balanceBefore(pool: pg.Pool, query: BalanceQuery): Promise<BalanceView> {
  const parsed = parseAddress(query.account);
  const currency = query.currency ?? 'EUR';
  const { rows } = await pool.query<AccountRow>(
    'SELECT * FROM naive.accounts WHERE entity_id = $1 AND group_type = $2 AND currency = $3',
    [parsed?.entityId, parsed?.groupType, currency],
  );
  const [found] = rows;
  if (!found) throw new AppError('not_found', 'account_not_found', `There is no account ${query.account}.`);
  const account = { accountId: found.id, account: query.account, currency };
  if (query.at) {
    const { rows: sums } = await pool.query<{ posted: string }>(
      'SELECT coalesce(sum(amount), 0) AS posted FROM naive.entries WHERE account_id = $1 AND created_at <= $2',
      [found.id, query.at],
    );
    return { ...account, posted: BigInt(sums[0]?.posted ?? 0), at: query.at };
  }
  const available = found.min_balance === null ? null : found.balance - found.min_balance;
  const limits = { pendingOut: 0n, pendingIn: 0n, available, minBalance: found.min_balance };
  return { ...account, posted: found.balance, ...limits, at: new Date() };
}

interface ReportRow {
  readonly start: string;
  readonly currency: string;
  readonly status: DailyLine['status'];
  readonly count: bigint;
  /** numeric, as text. */
  readonly total: string;
}

/** Counted and summed up from the rows, each time anew. */
export async function reportBefore(pool: pg.Pool, query: DailyQuery): Promise<DailyReport> {
  const { userId, from, to, groupBy } = query;
  const { rows } = await pool.query<ReportRow>(
    `SELECT to_char(date_trunc($1, created_at AT TIME ZONE 'UTC'), 'YYYY-MM-DD') AS start, currency, status,
            count(*) AS count, sum(amount) AS total
     FROM naive.transactions
     WHERE created_at >= $2::timestamptz AND created_at < $3::timestamptz + interval '1 day'
       ${userId === undefined ? '' : 'AND user_id = $4'}
     GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
    [groupBy, `${from}T00:00:00Z`, `${to}T00:00:00Z`, ...(userId === undefined ? [] : [userId])],
  );
  const lines = rows.map(({ start, currency, status, count, total }) => ({
    period: periodName(start, groupBy),
    start,
    currency,
    status,
    transactionCount: count,
    totalAmount: BigInt(total),
  }));
  return { lines, zone: 'UTC', staleDays: [] };
}
