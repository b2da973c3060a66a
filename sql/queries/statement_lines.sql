-- Indexes: entries_pkey, transactions_pkey
-- The entries of an account in their order, each with its transaction by its key. LIMIT 1 says what the key says, and keeps
-- the planner from joining all of the transactions.
-- $1 ledger, $2 account, $3 and $4 created_at and version to come after, $5 the instant to end before, $6 highest version,
-- $7 limit
SELECT e.created_at, e.transaction_id, e.amount, e.balance_after, e.version, t.reference_code, t.description, t.effective_at
FROM (
  SELECT e.created_at, e.transaction_id, e.amount, e.balance_after, e.version
  FROM ledger.entries AS e
  WHERE e.ledger_id = $1::integer AND e.account_id = $2::bigint
    AND e.created_at >= $3::timestamptz AND e.created_at < $5::timestamptz
    AND (e.created_at, e.version) > ($3::timestamptz, $4::bigint) AND e.version <= $6::bigint
  ORDER BY e.created_at, e.version
  LIMIT $7::integer
) AS e
LEFT JOIN LATERAL (
  SELECT t.reference_code, t.description, t.effective_at
  FROM ledger.transactions AS t
  WHERE t.ledger_id = $1::integer AND t.created_at = e.created_at AND t.id = e.transaction_id
  LIMIT 1
) AS t ON true
ORDER BY e.created_at, e.version
