-- Indexes: idempotency_keys_pkey
-- Inserted in the order of the keys, after the balances are locked: every batch takes the same locks in the same
-- order. A key that another transaction has inserted and not yet committed makes this wait for its outcome. Its time
-- is that of its use, by which it is purged: a reservation may be freed long after it was made.
INSERT INTO ledger.idempotency_keys (ledger_id, key, fingerprint, transaction_id, created_at)
SELECT $1::integer, k.key, decode(k.fingerprint, 'hex'), k.transaction_id, now()
FROM unnest($2::text[], $3::text[], $4::uuid[]) AS k (key, fingerprint, transaction_id)
ORDER BY k.key COLLATE "C"
ON CONFLICT (ledger_id, key) DO NOTHING
RETURNING key
