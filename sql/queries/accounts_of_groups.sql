-- Indexes: accounts_address_key
-- An entity's accounts of some groups: the array is a condition of the index, so nothing else of the entity is read.
-- $1 ledger, $2 entity, $3 group types, $4 at most so many
SELECT a.id, a.entity_id, a.group_type, a.currency, a.name, a.status
FROM ledger.accounts AS a
WHERE a.ledger_id = $1::integer AND a.entity_id = $2::text AND a.group_type = ANY ($3::text[])
ORDER BY a.group_type, a.currency
LIMIT $4::integer
