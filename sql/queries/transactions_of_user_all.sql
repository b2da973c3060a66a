-- Indexes: transactions_user_idx
-- One user's of both statuses, newest first: for each a range of transactions_user_idx in its order, merged while they are
-- read, so that nothing is sorted. The statuses are parameters because a literal FAILED would let the planner take the index
-- of all that failed, and pass over everybody else's.
-- $1 ledger, $2 from, $3 and $4 created_at and id to come after, $5 limit, $6 user, $7 and $8 statuses, $9 currency or null,
-- $10 and $11 bounds of the reference code or null
SELECT t.id, t.created_at, t.user_id, t.status, t.currency, t.amount, t.reference_code, t.description, t.effective_at, t.metadata,
       t.reverses, t.settles
FROM (
  (SELECT t.id, t.created_at, t.user_id, t.status, t.currency, t.amount, t.reference_code, t.description, t.effective_at, t.metadata,
          t.reverses, t.settles
   FROM ledger.transactions AS t
   WHERE t.ledger_id = $1::integer AND t.user_id = $6::text AND t.status = $7::text
     AND t.created_at >= $2::timestamptz AND t.created_at <= $3::timestamptz
     AND (t.created_at, t.id) < ($3::timestamptz, $4::uuid)
     AND ($9::text IS NULL OR t.currency = $9)
     AND ($10::text IS NULL OR t.reference_code ~>=~ $10 AND t.reference_code ~<~ $11::text)
   ORDER BY t.created_at DESC, t.id DESC
   LIMIT $5::integer)
  UNION ALL
  (SELECT t.id, t.created_at, t.user_id, t.status, t.currency, t.amount, t.reference_code, t.description, t.effective_at, t.metadata,
          t.reverses, t.settles
   FROM ledger.transactions AS t
   WHERE t.ledger_id = $1::integer AND t.user_id = $6::text AND t.status = $8::text
     AND t.created_at >= $2::timestamptz AND t.created_at <= $3::timestamptz
     AND (t.created_at, t.id) < ($3::timestamptz, $4::uuid)
     AND ($9::text IS NULL OR t.currency = $9)
     AND ($10::text IS NULL OR t.reference_code ~>=~ $10 AND t.reference_code ~<~ $11::text)
   ORDER BY t.created_at DESC, t.id DESC
   LIMIT $5::integer)
) AS t
ORDER BY t.created_at DESC, t.id DESC
LIMIT $5::integer
