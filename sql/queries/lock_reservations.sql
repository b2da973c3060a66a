-- Indexes: reservations_pkey
-- Locked before the balances, by everybody, and in the order of their ids; within the same limits.
-- $1 ledger, $2 reservation ids
SELECT r.id, r.state, r.postings, r.expires_at
FROM (SELECT set_config('lock_timeout', '4s', true), set_config('statement_timeout', '20s', true)) AS limits
CROSS JOIN ledger.reservations AS r
WHERE r.ledger_id = $1::integer AND r.id = ANY ($2::uuid[])
ORDER BY r.id
FOR UPDATE OF r
