-- Indexes: daily_transaction_summary_user_idx, transactions_user_idx
-- How many transactions a user has in a range of days and in spans of time beside it, as count_days does it for all: the
-- days from daily_transaction_summary_user_idx alone, the rows by transactions_user_idx.
-- $1 ledger, $2 first day, $3 the day it ends before, $4 days not to be taken as summed up, $5 marked days that are known,
-- $6 and $7 starts and ends of the spans to count, $8 statuses, $9 currency or null, $10 user
SELECT (
    SELECT coalesce(sum(d.transaction_count), 0)
    FROM ledger.daily_transaction_summary AS d
    WHERE d.ledger_id = $1::integer AND d.user_id = $10::text AND d.day >= $2::date AND d.day < $3::date
      AND d.day <> ALL ($4::date[]) AND d.status = ANY ($8::text[]) AND ($9::text IS NULL OR d.currency = $9)
  ) + (
    SELECT coalesce(sum(counted.found), 0)
    FROM unnest($6::timestamptz[], $7::timestamptz[]) AS span (starts_at, ends_at)
    CROSS JOIN LATERAL (
      SELECT count(*) AS found
      FROM ledger.transactions AS t
      WHERE t.ledger_id = $1::integer AND t.user_id = $10::text AND t.status = ANY ($8::text[])
        AND t.created_at >= span.starts_at AND t.created_at < span.ends_at
        AND ($9::text IS NULL OR t.currency = $9)
    ) AS counted
  ) AS found,
  ARRAY(
    SELECT to_char(d.day, 'YYYY-MM-DD') FROM (
      SELECT DISTINCT m.day FROM quartermaster.summary_marks AS m
      WHERE m.ledger_id = $1::integer AND m.day >= $2::date AND m.day < $3::date AND m.day <> ALL ($5::date[])
    ) AS d
  ) AS missed
