import { isDeepStrictEqual } from 'node:util';
import { identifier } from '../src/db/identifier.ts';
import type { Bench } from './bench.ts';
import { withClient } from './database.ts';
import { fill } from './read-rows.ts';
import type { Part, Span } from './read-span.ts';
import { runCommand } from './server-process.ts';

/** How many days are worked out again by the refresh itself. */
const SAMPLE = 5;

/**
 * Fills the summaries a quarter at a time, as no refresh could: that takes the days as they come, each once. Then some
 * days are marked and refreshed in the usual way, which writes what is new or different, and must find nothing.
 *
 * @throws Error when a day is not as the refresh would have it
 */
export async function makeSummaries(
  bench: Bench,
  url: string,
  span: Span,
  environment: Record<string, string>,
): Promise<void> {
  bench.say('  the summaries');
  await fill(
    url,
    [insertSummary, insertBalances, insertGroupTotals].flatMap((insert) => span.parts.map(insert)),
  );
  await fill(url, [INSERT_TOTALS, 'VACUUM ANALYZE']);
  const before = await totals(url);
  await fill(url, [
    `INSERT INTO quartermaster.summary_marks (ledger_id, day)
     SELECT 1, day FROM (SELECT DISTINCT day FROM ledger.daily_totals) AS d ORDER BY hashtext(day::text) LIMIT ${SAMPLE}`,
  ]);
  const said = await runCommand(bench, ['run', 'refresh-summaries', '--json'], environment);
  const report = JSON.parse(said) as { days: number; summaries: number; balances: number };
  const isSame = isDeepStrictEqual(await totals(url), before);
  if (report.days === SAMPLE && report.summaries === 0 && report.balances === 0 && isSame) return;
  throw new Error(`The summaries are not what the refresh would have written: ${said}`);
}

/** What the small tables hold, of which a refresh does not say how many rows it wrote. */
async function totals(url: string): Promise<readonly unknown[]> {
  return withClient(url, async (client) => {
    const { rows: days } = await client.query<object>(
      `SELECT day, currency, status, transaction_count, total_amount
       FROM ledger.daily_totals ORDER BY ledger_id, day, currency, status`,
    );
    const { rows: groups } = await client.query<object>(
      `SELECT day, group_type, currency, entry_count, debits, credits
       FROM ledger.daily_group_totals ORDER BY ledger_id, day, group_type, currency`,
    );
    return [days, groups];
  });
}

const DAY = "(created_at AT TIME ZONE 'UTC')::date";

function insertSummary({ quarter }: Part): string {
  return `INSERT INTO ledger.daily_transaction_summary
      (ledger_id, day, user_id, currency, status, transaction_count, total_amount)
    SELECT 1, ${DAY}, user_id, currency, status, count(*), sum(amount)
    FROM ledger.${identifier(`transactions_${quarter.name}`)} GROUP BY 2, 3, 4, 5 ORDER BY 2, 3, 4, 5`;
}

function insertBalances({ quarter }: Part): string {
  return `INSERT INTO ledger.daily_balances (ledger_id, account_id, snapshot_date, closing_balance)
    SELECT DISTINCT ON (account_id, ${DAY}) 1, account_id, ${DAY}, balance_after
    FROM ledger.${identifier(`entries_${quarter.name}`)} ORDER BY account_id, ${DAY}, version DESC`;
}

function insertGroupTotals({ quarter }: Part): string {
  return `INSERT INTO ledger.daily_group_totals
      (ledger_id, day, group_type, currency, entry_count, debits, credits)
    SELECT 1, day, group_type, currency, count(*), coalesce(sum(-amount) FILTER (WHERE amount < 0), 0),
           coalesce(sum(amount) FILTER (WHERE amount > 0), 0)
    FROM (SELECT (e.created_at AT TIME ZONE 'UTC')::date AS day, a.group_type, a.currency, e.amount
          FROM ledger.${identifier(`entries_${quarter.name}`)} AS e
          JOIN ledger.accounts AS a ON a.ledger_id = 1 AND a.id = e.account_id) AS e
    GROUP BY day, group_type, currency`;
}

const INSERT_TOTALS = `
  INSERT INTO ledger.daily_totals (ledger_id, day, currency, status, transaction_count, total_amount)
  SELECT ledger_id, day, currency, status, sum(transaction_count), sum(total_amount)
  FROM ledger.daily_transaction_summary GROUP BY ledger_id, day, currency, status`;
