-- Indexes: idempotency_keys_created_idx
-- Until when the oldest keys reach that one batch of a purge takes: the first behind the batch in
-- idempotency_keys_created_idx, no row where fewer are left.
-- $1 older than, $2 as many as that
SELECT max(k.created_at) AS created_at
FROM (
  SELECT k.created_at
  FROM ledger.idempotency_keys AS k
  WHERE k.created_at < $1::timestamptz
  ORDER BY k.created_at
  LIMIT $2::integer + 1
) AS k
HAVING count(*) > $2::integer
