-- Inserted in the order of the keys, after the balances are locked: every batch takes the same locks in the same
-- order. A key that another transaction has inserted and not yet committed makes this wait for its outcome.
INSERT INTO ledger.idempotency_keys (ledger_id, key, fingerprint, transaction_id, created_at)
SELECT $1::integer, k.key, decode(k.fingerprint, 'hex'), k.transaction_id, k.created_at
FROM unnest($2::text[], $3::text[], $4::uuid[], $5::timestamptz[]) AS k (key, fingerprint, transaction_id, created_at)
ORDER BY k.key COLLATE "C"
ON CONFLICT (ledger_id, key) DO NOTHING
RETURNING key
