-- Indexes: accounts_address_key
-- All accounts of an entity, from accounts_address_key alone and in its order.
-- $1 ledger, $2 entity, $3 at most so many
SELECT a.id, a.entity_id, a.group_type, a.currency, a.name, a.status
FROM ledger.accounts AS a
WHERE a.ledger_id = $1::integer AND a.entity_id = $2::text
ORDER BY a.group_type, a.currency
LIMIT $3::integer
