-- The same without the locks, for what only asks what would happen.
-- $1 ledger, $2 account ids
SELECT b.account_id, b.status, b.posted, b.pending_out, b.pending_in, b.min_balance, b.version,
       floor(extract(epoch FROM b.last_entry_at) * 1000)::float8 AS last_entry_ms,
       floor(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now_ms
FROM ledger.balances AS b
WHERE b.ledger_id = $1::integer AND b.account_id = ANY ($2::bigint[])
