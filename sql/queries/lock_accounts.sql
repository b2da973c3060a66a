-- Indexes: accounts_address_key, balances_pkey
-- Locks the balances of accounts that are to be changed, in the order of their ids, as posting does. What posting
-- reads of an account stands in the row that is locked, so it is the newest even after a wait.
-- $1 ledger, $2 entities, $3 group types, $4 currencies
SELECT b.account_id AS id, (wanted.ordinality - 1)::integer AS place, b.status, b.min_balance,
       b.posted = 0 AND b.pending_out = 0 AND b.pending_in = 0 AS empty
FROM unnest($2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS wanted (entity_id, group_type, currency)
JOIN ledger.accounts AS a
  ON a.ledger_id = $1::integer AND a.entity_id = wanted.entity_id AND a.group_type = wanted.group_type
 AND a.currency = wanted.currency
JOIN ledger.balances AS b ON b.ledger_id = a.ledger_id AND b.account_id = a.id
WHERE b.ledger_id = $1::integer
ORDER BY b.account_id
FOR UPDATE OF b
