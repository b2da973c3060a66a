-- Each balance once, by the net change of the whole batch. Its row is locked by this transaction already.
UPDATE ledger.balances AS b
SET posted = b.posted + c.posted, version = b.version + c.entries, last_entry_at = c.last_entry_at
FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::timestamptz[])
  AS c (account_id, posted, entries, last_entry_at)
WHERE b.ledger_id = $1::integer AND b.account_id = c.account_id
