-- All accounts of the addresses, in whatever currency: an index-only scan of accounts_address_key for each.
SELECT a.id, a.entity_id, a.group_type, a.currency
FROM unnest($2::text[], $3::text[]) AS wanted (entity_id, group_type)
JOIN ledger.accounts AS a
  ON a.ledger_id = $1::integer AND a.entity_id = wanted.entity_id AND a.group_type = wanted.group_type
