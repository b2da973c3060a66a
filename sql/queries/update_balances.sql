-- Indexes: balances_pkey
-- Each balance once, by the net change of the whole batch. Its row is locked by this transaction already. The ids stand here
-- twice: by the second condition the rows are found by their key, where the join alone would read the whole table
-- as soon as the batch is large.
UPDATE ledger.balances AS b
SET posted = b.posted + c.posted, pending_out = b.pending_out + c.pending_out, pending_in = b.pending_in + c.pending_in,
    version = b.version + c.entries, last_entry_at = coalesce(c.last_entry_at, b.last_entry_at)
FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::timestamptz[])
  AS c (account_id, posted, pending_out, pending_in, entries, last_entry_at)
WHERE b.ledger_id = $1::integer AND b.account_id = c.account_id AND b.account_id = ANY ($2::bigint[])
