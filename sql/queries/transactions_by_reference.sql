-- Indexes: transactions_reference_idx
-- Those whose reference code begins alike, where they are few, newest first: a short range of transactions_reference_idx,
-- and a sort of what it holds. The operators compare bytes, as the index does, whatever the collation. The planner is
-- not shown the bounds: how few there are was counted, and it could only guess. The fence of OFFSET 0 keeps the cursor
-- from tempting it to the key.
-- $1 ledger, $2 from, $3 and $4 created_at and id to come after, $5 limit, $6 and $7 the prefix and the first text after all
-- that begin with it, $8 user or null, $9 status or null, $10 currency or null, $11 accounts or null
SELECT t.id, t.created_at, t.user_id, t.status, t.currency, t.amount, t.reference_code, t.description, t.effective_at, t.metadata,
       t.reverses, t.settles
FROM (
  SELECT t.id, t.created_at, t.user_id, t.status, t.currency, t.amount, t.reference_code, t.description, t.effective_at, t.metadata,
         t.reverses, t.settles, t.account_ids
  FROM ledger.transactions AS t
  WHERE t.ledger_id = $1::integer
    AND t.reference_code ~>=~ (SELECT $6::text) AND t.reference_code ~<~ (SELECT $7::text)
    AND t.created_at >= $2::timestamptz
  OFFSET 0
) AS t
WHERE (t.created_at, t.id) < ($3::timestamptz, $4::uuid)
  AND ($8::text IS NULL OR t.user_id = $8) AND ($9::text IS NULL OR t.status = $9)
  AND ($10::text IS NULL OR t.currency = $10) AND ($11::bigint[] IS NULL OR t.account_ids && $11)
ORDER BY t.created_at DESC, t.id DESC
LIMIT $5::integer
