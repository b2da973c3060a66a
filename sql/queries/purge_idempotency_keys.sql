-- Indexes: idempotency_keys_created_idx
-- Of all ledgers, by time alone. A bound that is a parameter and no subquery, for with the value at hand the planner
-- sees how few they are and goes by idempotency_keys_created_idx.
-- $1 until then, itself not included
DELETE FROM ledger.idempotency_keys AS k
WHERE k.created_at < $1::timestamptz
RETURNING k.ledger_id
