-- Indexes: daily_totals_pkey, transactions_failed_idx, transactions_pkey
-- How many transactions a ledger has in a range of days and in spans of time beside it: the days as they are summed up,
-- except those that are counted from their rows. One statement, hence one snapshot, which also tells what was marked
-- meanwhile. Without a status or a currency the rows are counted in the index of their key alone.
-- $1 ledger, $2 first day, $3 the day it ends before, $4 days not to be taken as summed up, $5 marked days that are known,
-- $6 and $7 starts and ends of the spans to count, $8 status or null, $9 currency or null
SELECT (
    SELECT coalesce(sum(d.transaction_count), 0)
    FROM ledger.daily_totals AS d
    WHERE d.ledger_id = $1::integer AND d.day >= $2::date AND d.day < $3::date AND d.day <> ALL ($4::date[])
      AND ($8::text IS NULL OR d.status = $8) AND ($9::text IS NULL OR d.currency = $9)
  ) + (
    SELECT coalesce(sum(counted.found), 0)
    FROM unnest($6::timestamptz[], $7::timestamptz[]) AS span (starts_at, ends_at)
    CROSS JOIN LATERAL (
      SELECT count(*) AS found
      FROM ledger.transactions AS t
      WHERE t.ledger_id = $1::integer AND t.created_at >= span.starts_at AND t.created_at < span.ends_at
        AND ($8::text IS NULL OR t.status = $8) AND ($9::text IS NULL OR t.currency = $9)
    ) AS counted
  ) AS found,
  ARRAY(
    SELECT to_char(d.day, 'YYYY-MM-DD') FROM (
      SELECT DISTINCT m.day FROM quartermaster.summary_marks AS m
      WHERE m.ledger_id = $1::integer AND m.day >= $2::date AND m.day < $3::date AND m.day <> ALL ($5::date[])
    ) AS d
  ) AS missed
