import type pg from 'pg';

/** A page of a list, with every column there is. */
export async function naiveList(
  pool: pg.Pool,
  { userId, limit, offset }: { userId?: string | undefined; limit: number; offset: number },
): Promise<readonly { readonly id: string }[]> {
  const { rows } = await pool.query<{ id: string }>(
    userId === undefined
      ? 'SELECT * FROM naive.transactions ORDER BY created_at DESC LIMIT $1 OFFSET $2'
      : `SELECT * FROM naive.transactions WHERE user_id = $3 AND status = 'SUCCESS'
         ORDER BY created_at DESC LIMIT $1 OFFSET $2`,
    userId === undefined ? [limit, offset] : [limit, offset, userId],
  );
  return rows;
}

/** The total, and when it is there the page. */
export async function naiveListWithTotal(pool: pg.Pool, page: Parameters<typeof naiveList>[1]) {
  const { rows } = await pool.query<{ count: bigint }>(
    page.userId === undefined
      ? 'SELECT count(*) FROM naive.transactions'
      : "SELECT count(*) FROM naive.transactions WHERE user_id = $1 AND status = 'SUCCESS'",
    page.userId === undefined ? [] : [page.userId],
  );
  return { total: rows[0]?.count, rows: await naiveList(pool, page) };
}

export interface NaiveLine {
  readonly transaction_id: string;
  readonly amount: bigint;
  /** numeric, as text. */
  readonly running: string;
}

/** An account's entries with the balance after each, which is a sum over all that came before. */
export async function naiveStatement(
  pool: pg.Pool,
  { userId, from, to, limit }: { userId: string; from: Date; to: Date; limit: number },
): Promise<{ opening: string; closing: string; lines: readonly NaiveLine[] }> {
  const { rows: accounts } = await pool.query<{ id: bigint }>(
    "SELECT id FROM naive.accounts WHERE entity_id = $1 AND group_type = 'WALLET' AND currency = 'EUR'",
    [userId],
  );
  const accountId = accounts[0]?.id;
  const { rows: sums } = await pool.query<{ opening: string; closing: string }>(
    `SELECT coalesce(sum(amount) FILTER (WHERE created_at < $2), 0) AS opening, coalesce(sum(amount), 0) AS closing
     FROM naive.entries WHERE account_id = $1 AND created_at < $3`,
    [accountId, from, to],
  );
  const { rows: lines } = await pool.query<NaiveLine>(
    `SELECT s.*, t.reference_code, t.description, t.effective_at
     FROM (SELECT e.*, sum(e.amount) OVER (ORDER BY e.created_at, e.id) AS running
           FROM naive.entries AS e WHERE e.account_id = $1 AND e.created_at < $3) AS s
     JOIN naive.transactions AS t ON t.id = s.transaction_id
     WHERE s.created_at >= $2 ORDER BY s.created_at, s.id LIMIT $4`,
    [accountId, from, to, limit],
  );
  const { opening, closing } = sums[0] as { opening: string; closing: string };
  return { opening, closing, lines };
}

export interface NaiveEntry {
  readonly entity_id: string;
  readonly amount: bigint;
}

export async function naiveById(pool: pg.Pool, id: string) {
  const { rows } = await pool.query<{ id: string; amount: bigint }>(
    'SELECT * FROM naive.transactions WHERE id = $1',
    [id],
  );
  const { rows: entries } = await pool.query<NaiveEntry>(
    `SELECT e.*, a.entity_id, a.group_type, a.currency
     FROM naive.entries AS e JOIN naive.accounts AS a ON a.id = e.account_id WHERE e.transaction_id = $1`,
    [id],
  );
  return { transaction: rows[0], entries };
}

export interface NaiveDay {
  readonly day: string;
  readonly currency: string;
  readonly status: string;
  readonly count: bigint;
  /** numeric, as text. */
  readonly total: string;
}

export async function naiveReport(pool: pg.Pool, from: Date, to: Date): Promise<readonly NaiveDay[]> {
  const { rows } = await pool.query<NaiveDay>(
    `SELECT to_char(date_trunc('day', created_at AT TIME ZONE 'UTC'), 'YYYY-MM-DD') AS day, currency, status,
            count(*) AS count, sum(amount) AS total
     FROM naive.transactions WHERE created_at >= $1 AND created_at < $2
     GROUP BY date_trunc('day', created_at AT TIME ZONE 'UTC'), currency, status ORDER BY 1, 2, 3`,
    [from, to],
  );
  return rows;
}
