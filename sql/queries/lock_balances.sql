-- Indexes: balances_pkey
-- Locks the balances a batch may move, always in the order of their ids: two batches that want the same accounts
-- queue, and never wait for each other in a circle. Nothing of the ledger is joined, so that after a wait every column
-- is that of the newest row. The clock is the database's, one for all pods; the greatest of the rows' times is after
-- the last wait for a lock. Instants come as milliseconds in a double, because reading thousands of timestamps
-- as text costs the client more than locking them costs the server, and so would extract(), which computes in numeric.
--
-- The limits of the transaction are set on the way, which saves a round trip: they are evaluated for the first row,
-- before it is locked. A lock is waited for some seconds and then tried again, so that a session which sits on a row
-- does not take all connections with it.
-- $1 ledger, $2 account ids
SELECT b.account_id, b.status, b.posted, b.pending_out, b.pending_in, b.min_balance, b.version,
       date_part('epoch', b.last_entry_at) * 1000 AS last_entry_ms,
       date_part('epoch', clock_timestamp()) * 1000 AS now_ms
FROM (SELECT set_config('lock_timeout', '4s', true), set_config('statement_timeout', '20s', true)) AS limits
CROSS JOIN ledger.balances AS b
WHERE b.ledger_id = $1::integer AND b.account_id = ANY ($2::bigint[])
ORDER BY b.account_id
FOR UPDATE OF b
