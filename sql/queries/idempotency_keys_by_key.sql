-- Indexes: idempotency_keys_pkey
-- $1 ledger, $2 keys
SELECT k.key, k.fingerprint, k.transaction_id
FROM ledger.idempotency_keys AS k
WHERE k.ledger_id = $1::integer AND k.key = ANY ($2::text[])
