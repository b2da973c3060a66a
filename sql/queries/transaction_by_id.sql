-- The id holds the millisecond of created_at, so this probes one partition by its primary key.
-- $1 ledger, $2 created_at, $3 id
SELECT t.id, t.created_at, t.user_id, t.status, t.currency, t.amount, t.reference_code, t.description, t.effective_at,
       t.metadata, t.account_ids
FROM ledger.transactions AS t
WHERE t.ledger_id = $1::integer AND t.created_at = $2::timestamptz AND t.id = $3::uuid
