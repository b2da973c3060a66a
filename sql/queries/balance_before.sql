-- Indexes: entries_pkey, daily_balances_pkey
-- An account's balance before an instant: what its last entry that is online left, found by one probe backwards; and where
-- quarters that began since are not online, the last day on which it moved in one of them, with the balance at the end of that
-- day. One statement, so that a quarter that comes or goes meanwhile is either online or not. What is not online is
-- told as in src/db/offline-quarters.ts.
-- $1 ledger, $2 account, $3 instant, $4 highest version, $5 day of the last instant before
SELECT e.balance_after AS online, d.snapshot_date AS archived_day, d.closing_balance AS archived, d.quarter
FROM (SELECT) AS asked
LEFT JOIN LATERAL (
  SELECT e.created_at, e.balance_after
  FROM ledger.entries AS e
  WHERE e.ledger_id = $1::integer AND e.account_id = $2::bigint AND e.created_at < $3::timestamptz
    AND e.version <= $4::bigint
  ORDER BY e.created_at DESC, e.version DESC
  LIMIT 1
) AS e ON true
LEFT JOIN LATERAL (
  SELECT q.quarter, d.snapshot_date, d.closing_balance
  FROM (
    SELECT q.quarter, q.starts_at, make_date(left(q.quarter, 4)::integer, right(q.quarter, 1)::integer * 3 - 2, 1) AS first_day
    FROM quartermaster.quarters AS q
    WHERE q.starts_at < $3::timestamptz AND q.starts_at > coalesce(e.created_at, '-infinity')
      AND (q.state IN ('detached', 'dropped') OR q.state = 'archived'
           AND pg_partition_root(to_regclass('ledger.transactions_' || q.quarter)) IS DISTINCT FROM 'ledger.transactions'::regclass)
    ORDER BY q.starts_at DESC
    OFFSET 0
  ) AS q
  CROSS JOIN LATERAL (
    SELECT d.snapshot_date, d.closing_balance
    FROM ledger.daily_balances AS d
    WHERE d.ledger_id = $1::integer AND d.account_id = $2::bigint
      AND d.snapshot_date >= q.first_day AND d.snapshot_date < q.first_day + interval '3 months'
      AND d.snapshot_date <= $5::date
    ORDER BY d.snapshot_date DESC
    LIMIT 1
  ) AS d
  ORDER BY q.starts_at DESC
  LIMIT 1
) AS d ON true
