-- Indexes: transactions_failed_idx
-- What failed, newest first, from an index that holds nothing else.
-- $1 ledger, $2 from, $3 and $4 created_at and id to come after, $5 limit, $6 currency or null,
-- $7 and $8 bounds of the reference code or null
SELECT t.id, t.created_at, t.user_id, t.status, t.currency, t.amount, t.reference_code, t.description, t.effective_at, t.metadata,
       t.reverses, t.settles
FROM ledger.transactions AS t
WHERE t.ledger_id = $1::integer AND t.status = 'FAILED'
  AND t.created_at >= $2::timestamptz AND t.created_at <= $3::timestamptz
  AND (t.created_at, t.id) < ($3::timestamptz, $4::uuid)
  AND ($6::text IS NULL OR t.currency = $6)
  AND ($7::text IS NULL OR t.reference_code ~>=~ $7 AND t.reference_code ~<~ $8::text)
ORDER BY t.created_at DESC, t.id DESC
LIMIT $5::integer
