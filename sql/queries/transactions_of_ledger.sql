-- Indexes: transactions_pkey
-- The whole ledger, newest first: its key backwards, quarter after quarter and no further than the page needs. The row
-- comparison is the cursor; the plain one beside it is what the planner leaves partitions out by.
-- $1 ledger, $2 from, $3 and $4 created_at and id to come after, $5 limit, $6 status or null, $7 currency or null,
-- $8 and $9 bounds of the reference code or null
SELECT t.id, t.created_at, t.user_id, t.status, t.currency, t.amount, t.reference_code, t.description, t.effective_at, t.metadata,
       t.reverses, t.settles
FROM ledger.transactions AS t
WHERE t.ledger_id = $1::integer AND t.created_at >= $2::timestamptz AND t.created_at <= $3::timestamptz
  AND (t.created_at, t.id) < ($3::timestamptz, $4::uuid)
  AND ($6::text IS NULL OR t.status = $6) AND ($7::text IS NULL OR t.currency = $7)
  AND ($8::text IS NULL OR t.reference_code ~>=~ $8 AND t.reference_code ~<~ $9::text)
ORDER BY t.created_at DESC, t.id DESC
LIMIT $5::integer
