-- Indexes: transactions_pkey
-- Many at once. An id holds the millisecond of created_at, so each is one probe of one partition's primary key. LIMIT 1 says what
-- the key says, and keeps the planner from joining all of the transactions where it takes a ledger for a small one.
-- $1 ledger, $2 created_at, $3 ids
SELECT t.id, t.created_at, t.user_id, t.status, t.currency, t.amount, t.reference_code, t.description, t.effective_at,
       t.reverses, t.settles, t.metadata, t.account_ids
FROM unnest($2::timestamptz[], $3::uuid[]) AS wanted (created_at, id)
CROSS JOIN LATERAL (
  SELECT t.id, t.created_at, t.user_id, t.status, t.currency, t.amount, t.reference_code, t.description, t.effective_at,
         t.reverses, t.settles, t.metadata, t.account_ids
  FROM ledger.transactions AS t
  WHERE t.ledger_id = $1::integer AND t.created_at = wanted.created_at AND t.id = wanted.id
  LIMIT 1
) AS t
