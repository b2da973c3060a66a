-- Indexes: balances_pkey
-- The same without the locks, for what only asks what would happen.
-- $1 ledger, $2 account ids
SELECT b.account_id, b.status, b.posted, b.pending_out, b.pending_in, b.min_balance, b.version,
       date_part('epoch', b.last_entry_at) * 1000 AS last_entry_ms,
       date_part('epoch', clock_timestamp()) * 1000 AS now_ms
FROM ledger.balances AS b
WHERE b.ledger_id = $1::integer AND b.account_id = ANY ($2::bigint[])
ORDER BY b.account_id
