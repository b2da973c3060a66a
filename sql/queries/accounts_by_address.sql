-- Indexes: accounts_address_key
-- All accounts of the addresses, in whatever currency: an index-only probe of accounts_address_key for each. OFFSET 0
-- keeps the planner from turning thousands of probes into a hash of all accounts there are, which grows with them.
-- $1 ledger, $2 entities, $3 group types
SELECT a.id, a.entity_id, a.group_type, a.currency
FROM unnest($2::text[], $3::text[]) AS wanted (entity_id, group_type)
CROSS JOIN LATERAL (
  SELECT id, entity_id, group_type, currency
  FROM ledger.accounts
  WHERE ledger_id = $1::integer AND entity_id = wanted.entity_id AND group_type = wanted.group_type
  OFFSET 0
) AS a
