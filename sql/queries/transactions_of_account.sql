-- Indexes: entries_pkey, transactions_pkey
-- What moved one account, newest first: its entries backwards by their key, each leading to its transaction by its key. An
-- entry counts unless the next version is of the same transaction. The two limits below bind nobody: by the first, whose
-- number it cannot see, the planner knows that few rows will be wanted, and walks instead of sorting; by the second
-- it looks transactions up one by one instead of joining them all.
-- $1 ledger, $2 from, $3 and $4 created_at and version to come after, $5 limit, $6 account, $7 accounts where it would
-- be listed already, or null, $8 user or null, $9 and $10 bounds of the reference code or null
SELECT t.id, t.created_at, t.user_id, t.status, t.currency, t.amount, t.reference_code, t.description, t.effective_at, t.metadata,
       t.reverses, t.settles, e.version
FROM (
  SELECT e.ledger_id, e.created_at, e.version, e.transaction_id
  FROM ledger.entries AS e
  WHERE e.ledger_id = $1::integer AND e.account_id = $6::bigint
    AND e.created_at >= $2::timestamptz AND e.created_at <= $3::timestamptz
    AND (e.created_at, e.version) < ($3::timestamptz, $4::bigint)
    AND e.transaction_id IS DISTINCT FROM (
      SELECT later.transaction_id FROM ledger.entries AS later
      WHERE later.ledger_id = e.ledger_id AND later.account_id = e.account_id
        AND later.created_at = e.created_at AND later.version = e.version + 1
    )
  ORDER BY e.created_at DESC, e.version DESC
  LIMIT (SELECT 9223372036854775807)
) AS e
CROSS JOIN LATERAL (
  SELECT t.id, t.created_at, t.user_id, t.status, t.currency, t.amount, t.reference_code, t.description, t.effective_at, t.metadata,
       t.reverses, t.settles, t.account_ids
  FROM ledger.transactions AS t
  WHERE t.ledger_id = e.ledger_id AND t.created_at = e.created_at AND t.id = e.transaction_id
  LIMIT 1
) AS t
WHERE ($7::bigint[] IS NULL OR NOT t.account_ids && $7) AND ($8::text IS NULL OR t.user_id = $8)
  AND ($9::text IS NULL OR t.reference_code ~>=~ $9 AND t.reference_code ~<~ $10::text)
ORDER BY e.created_at DESC, e.version DESC
LIMIT $5::integer
