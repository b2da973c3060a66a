-- Each balance once, by the net change of the whole batch. Its row is locked by this transaction already.
UPDATE ledger.balances AS b
SET posted = b.posted + c.posted, pending_out = b.pending_out + c.pending_out, pending_in = b.pending_in + c.pending_in,
    version = b.version + c.entries, last_entry_at = coalesce(c.last_entry_at, b.last_entry_at)
FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::timestamptz[])
  AS c (account_id, posted, pending_out, pending_in, entries, last_entry_at)
WHERE b.ledger_id = $1::integer AND b.account_id = c.account_id
