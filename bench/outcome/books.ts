import type pg from 'pg';
import type { Side } from './requests.ts';

/** What a side was sent beyond the rows it began with. */
export interface Sent {
  /** Answered as booked. */
  readonly posted: number;
  /** Got no answer that says what became of them. */
  readonly unknown: number;
}

interface Count {
  readonly transactions: bigint;
  readonly booked: bigint;
  readonly entries: bigint;
  readonly sum: string;
  readonly wrong_balances: bigint;
}

/** A side's tables, and which rows of them are meant. */
const sides = {
  ours: {
    transactions: 'ledger.transactions WHERE ledger_id = 1',
    entries: 'ledger.entries WHERE ledger_id = 1',
    balances: 'SELECT account_id, posted, version FROM ledger.balances WHERE ledger_id = 1',
  },
  before: {
    transactions: 'naive.transactions WHERE true',
    entries: 'naive.entries WHERE true',
    balances: 'SELECT id AS account_id, balance AS posted, NULL::bigint AS version FROM naive.accounts',
  },
} as const;

/**
 * Holds a side's books against what it was sent: what was acknowledged is there, and nothing else but what may be; two
 * entries to each that was booked; all of them together zero; each balance the sum of its entries.
 *
 * @throws Error when the books say otherwise: then the figures mean nothing
 */
export async function verifyBooks(
  client: pg.Client,
  side: Side,
  began: number,
  { posted, unknown }: Sent,
): Promise<void> {
  const { transactions, entries, balances } = sides[side];
  const { rows } = await client.query<Count>(
    `WITH summed AS MATERIALIZED (
       SELECT account_id, sum(amount) AS posted, count(*) AS version FROM ${entries} GROUP BY account_id)
     SELECT (SELECT count(*) FROM ${transactions}) AS transactions,
            (SELECT count(*) FROM ${transactions} AND status = 'SUCCESS') AS booked,
            (SELECT coalesce(sum(version), 0)::bigint FROM summed) AS entries,
            (SELECT coalesce(sum(posted), 0)::text FROM summed) AS sum,
            (SELECT count(*) FROM (${balances}) AS b FULL JOIN summed AS s USING (account_id)
             WHERE b.account_id IS NULL OR b.posted <> coalesce(s.posted, 0) OR b.version <> coalesce(s.version, 0)
            ) AS wrong_balances`,
  );
  const found = rows[0] as Count;
  const added = Number(found.transactions) - began;
  const right =
    added >= posted &&
    added <= posted + unknown &&
    found.entries === 2n * found.booked &&
    found.sum === '0' &&
    found.wrong_balances === 0n;
  if (right) return;
  const told = JSON.stringify(found, (_, value) => (typeof value === 'bigint' ? String(value) : value));
  const expected = `${began} and ${posted} that were acknowledged, at most ${unknown} more`;
  throw new Error(`The books of ${side} are wrong: expected ${expected}, found ${told}.`);
}
