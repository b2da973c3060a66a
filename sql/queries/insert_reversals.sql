-- Indexes: reversals_pkey
-- The primary key is the last guard against a second reversal; the lock on the balances comes first.
INSERT INTO ledger.reversals (ledger_id, reversed_id, transaction_id)
SELECT $1::integer, r.reversed_id, r.transaction_id
FROM unnest($2::uuid[], $3::uuid[]) AS r (reversed_id, transaction_id)
