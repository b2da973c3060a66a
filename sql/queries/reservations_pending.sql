-- Indexes: reservations_pending_idx
-- What is pending in the whole ledger, newest first, from an index that holds nothing else. The limit within binds nobody: by it, whose
-- number it cannot see, the planner knows that few rows will be wanted, and walks instead of sorting.
-- $1 ledger, $2 from, $3 and $4 created_at and id to come after, $5 limit, $6 currency or null, $7 accounts or null,
-- $8 and $9 bounds of the reference code or null
SELECT r.id, r.created_at, r.user_id, 'PENDING' AS status, r.currency, r.amount, r.reference_code, r.description, r.effective_at,
       r.metadata, NULL::uuid AS reverses, NULL::uuid AS settles, r.postings, r.expires_at
FROM (
  SELECT r.id, r.created_at, r.user_id, r.currency, r.amount, r.reference_code, r.description, r.effective_at, r.metadata,
         r.postings, r.expires_at, r.account_ids
  FROM ledger.reservations AS r
  WHERE r.ledger_id = $1::integer AND r.state = 'PENDING'
    AND r.created_at >= $2::timestamptz AND (r.created_at, r.id) < ($3::timestamptz, $4::uuid)
  ORDER BY r.created_at DESC, r.id DESC
  LIMIT (SELECT 9223372036854775807)
) AS r
WHERE ($6::text IS NULL OR r.currency = $6) AND ($7::bigint[] IS NULL OR r.account_ids && $7)
  AND ($8::text IS NULL OR r.reference_code ~>=~ $8 AND r.reference_code ~<~ $9::text)
ORDER BY r.created_at DESC, r.id DESC
LIMIT $5::integer
