-- Indexes: reservations_expiry_idx
-- What is pending past its time, the longest first, from reservations_expiry_idx; by the database's clock, which
-- posting goes by too. now() and not clock_timestamp(): that one could be no condition of an index.
-- $1 and $2 where the last page ended, $3 at most so many
SELECT r.ledger_id, r.id, r.expires_at
FROM ledger.reservations AS r
WHERE r.state = 'PENDING' AND r.expires_at <= now() AND (r.expires_at, r.id) > ($1::timestamptz, $2::uuid)
ORDER BY r.expires_at, r.id
LIMIT $3::integer
