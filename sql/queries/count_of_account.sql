-- Indexes: entries_pkey
-- How many transactions moved one account, counted up to a bound from its entries alone, where nothing else is asked of
-- them: those that transactions_of_account would list. An entry counts unless the one before it on the way, which has the next
-- version, is of the same transaction. The limit within binds nobody: by it, whose number it cannot see, the planner knows
-- that few rows will be wanted, and walks instead of sorting.
-- $1 ledger, $2 from, $3 and $4 created_at and version to come after, $5 the bound, $6 account
SELECT count(*)::integer AS found
FROM (
  SELECT FROM (
    SELECT e.transaction_id, lag(e.transaction_id) OVER (ORDER BY e.created_at DESC, e.version DESC) AS later
    FROM (
      SELECT e.created_at, e.version, e.transaction_id
      FROM ledger.entries AS e
      WHERE e.ledger_id = $1::integer AND e.account_id = $6::bigint
        AND e.created_at >= $2::timestamptz AND e.created_at <= $3::timestamptz
        AND (e.created_at, e.version) < ($3::timestamptz, $4::bigint)
      ORDER BY e.created_at DESC, e.version DESC
      LIMIT (SELECT 9223372036854775807)
    ) AS e
  ) AS e
  WHERE e.transaction_id IS DISTINCT FROM e.later
  LIMIT $5::integer
) AS counted
