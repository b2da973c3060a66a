-- Indexes: balances_pkey
-- An account's balance as it stands, and the time it is: not before its last entry, whatever became of the server's clock.
-- $1 ledger, $2 account
SELECT b.posted, b.pending_out, b.pending_in, b.min_balance, b.version, greatest(clock_timestamp(), b.last_entry_at) AS at
FROM ledger.balances AS b
WHERE b.ledger_id = $1::integer AND b.account_id = $2::bigint
