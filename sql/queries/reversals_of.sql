-- Indexes: reversals_pkey
-- $1 ledger, $2 ids of transactions
SELECT r.reversed_id, r.transaction_id
FROM ledger.reversals AS r
WHERE r.ledger_id = $1::integer AND r.reversed_id = ANY ($2::uuid[])
