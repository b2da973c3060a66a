-- Locks the balances a batch may move, always in the order of their ids: two batches that want the same accounts
-- queue, and never wait for each other in a circle. The clock is the database's, one for all pods; the greatest of
-- the rows' times is after the last wait for a lock. Instants come as milliseconds, whole ones in a double, because
-- reading thousands of timestamps as text costs the client more than locking them costs the server.
-- $1 ledger, $2 account ids
SELECT b.account_id, a.entity_id, a.group_type, a.currency, a.status, b.posted, b.pending_out, b.min_balance, b.version,
       floor(extract(epoch FROM b.last_entry_at) * 1000)::float8 AS last_entry_ms,
       floor(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now_ms
FROM ledger.balances AS b
JOIN ledger.accounts AS a ON a.ledger_id = b.ledger_id AND a.id = b.account_id
WHERE b.ledger_id = $1::integer AND b.account_id = ANY ($2::bigint[])
ORDER BY b.account_id
FOR UPDATE OF b
