-- Indexes: daily_totals_pkey
-- How many transactions a ledger has in a range of days, as they are summed up; and which of those days are marked, so that
-- what is summed up may be behind.
-- $1 ledger, $2 first day, $3 the day it ends before, $4 status or null, $5 currency or null
SELECT (
    SELECT coalesce(sum(d.transaction_count), 0)
    FROM ledger.daily_totals AS d
    WHERE d.ledger_id = $1::integer AND d.day >= $2::date AND d.day < $3::date
      AND ($4::text IS NULL OR d.status = $4) AND ($5::text IS NULL OR d.currency = $5)
  ) AS found,
  ARRAY(
    SELECT to_char(d.day, 'YYYY-MM-DD') FROM (
      SELECT DISTINCT m.day FROM quartermaster.summary_marks AS m
      WHERE m.ledger_id = $1::integer AND m.day >= $2::date AND m.day < $3::date
    ) AS d
  ) AS missed
