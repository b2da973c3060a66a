-- account_ids leads to the entries by their primary key: no index on transaction_id is needed.
-- $1 ledger, $2 account ids, $3 created_at, $4 transaction id
SELECT a.entity_id, a.group_type, a.currency, e.amount, e.balance_after, e.version
FROM ledger.entries AS e
JOIN ledger.accounts AS a ON a.ledger_id = e.ledger_id AND a.id = e.account_id
WHERE e.ledger_id = $1::integer AND e.account_id = ANY ($2::bigint[]) AND e.created_at = $3::timestamptz
  AND e.transaction_id = $4::uuid
ORDER BY array_position($2::bigint[], e.account_id), e.version
