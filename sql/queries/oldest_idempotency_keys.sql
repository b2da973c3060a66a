-- Indexes: idempotency_keys_created_idx
-- Until when the oldest keys reach that one batch of a purge takes: one step past the batch in
-- idempotency_keys_created_idx, nothing where fewer are left.
-- $1 older than, $2 as many as that
SELECT k.created_at
FROM ledger.idempotency_keys AS k
WHERE k.created_at < $1::timestamptz
ORDER BY k.created_at
OFFSET $2::integer
LIMIT 1
