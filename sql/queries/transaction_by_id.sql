-- Indexes: transactions_pkey, entries_pkey
-- The id holds the millisecond of created_at, so this probes one partition of each table by its primary key; account_ids
-- leads to the entries by theirs, so no index on transaction_id is needed. Planning takes longer than the rest, so this is
-- one statement that joins nothing: the entries come as one document, their numbers as text, for JSON's lose digits,
-- and what their accounts are called is remembered.
-- $1 ledger, $2 created_at, $3 id
SELECT t.id, t.created_at, t.user_id, t.status, t.currency, t.amount, t.reference_code, t.description, t.effective_at,
       t.reverses, t.settles, t.metadata, t.account_ids,
       (SELECT json_agg(json_build_array(e.account_id::text, e.amount::text, e.balance_after::text, e.version::text))
        FROM ledger.entries AS e
        WHERE e.ledger_id = $1::integer AND e.account_id = ANY (t.account_ids) AND e.created_at = $2::timestamptz
          AND e.transaction_id = $3::uuid) AS entries
FROM ledger.transactions AS t
WHERE t.ledger_id = $1::integer AND t.created_at = $2::timestamptz AND t.id = $3::uuid
