-- Indexes: reservations_pkey
-- Their rows are locked by this transaction already.
UPDATE ledger.reservations AS r
SET state = n.state, transaction_id = n.transaction_id, resolved_at = n.resolved_at
FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::timestamptz[]) AS n (id, state, transaction_id, resolved_at)
WHERE r.ledger_id = $1::integer AND r.id = n.id
