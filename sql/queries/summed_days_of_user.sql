-- Indexes: daily_transaction_summary_user_idx
-- The same of one user, from daily_transaction_summary_user_idx alone.
-- $1 ledger, $2 first day, $3 the day it ends before, $4 status or null, $5 currency or null, $6 user
SELECT (
    SELECT coalesce(sum(d.transaction_count), 0)
    FROM ledger.daily_transaction_summary AS d
    WHERE d.ledger_id = $1::integer AND d.user_id = $6::text AND d.day >= $2::date AND d.day < $3::date
      AND ($4::text IS NULL OR d.status = $4) AND ($5::text IS NULL OR d.currency = $5)
  ) AS found,
  ARRAY(
    SELECT to_char(d.day, 'YYYY-MM-DD') FROM (
      SELECT DISTINCT m.day FROM quartermaster.summary_marks AS m
      WHERE m.ledger_id = $1::integer AND m.day >= $2::date AND m.day < $3::date
    ) AS d
  ) AS missed
