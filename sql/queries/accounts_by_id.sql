-- Indexes: accounts_pkey
-- $1 ledger, $2 account ids
SELECT a.id, a.entity_id, a.group_type, a.currency, a.name, a.status
FROM ledger.accounts AS a
WHERE a.ledger_id = $1::integer AND a.id = ANY ($2::bigint[])
ORDER BY a.entity_id, a.group_type, a.currency
