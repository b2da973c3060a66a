-- Indexes: daily_balances_pkey
-- An account's balance at the end of a day, as it is stored with the last day on which it moved: one probe of the key, backwards. And
-- whether a day since then, up to the one asked for, is marked, so that more may have been booked than is stored.
-- $1 ledger, $2 account, $3 day
SELECT d.closing_balance AS stored,
       EXISTS (
         SELECT FROM quartermaster.summary_marks AS m
         WHERE m.ledger_id = $1::integer AND m.day <= $3::date AND m.day >= coalesce(d.snapshot_date, '-infinity')
       ) AS marked
FROM (SELECT) AS asked
LEFT JOIN LATERAL (
  SELECT d.snapshot_date, d.closing_balance
  FROM ledger.daily_balances AS d
  WHERE d.ledger_id = $1::integer AND d.account_id = $2::bigint AND d.snapshot_date <= $3::date
  ORDER BY d.snapshot_date DESC
  LIMIT 1
) AS d ON true
