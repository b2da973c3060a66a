-- Indexes: reservations_pkey
-- $1 ledger, $2 reservation ids
SELECT r.id, r.state, r.postings, r.user_id, r.reference_code, r.description, r.metadata, r.created_at, r.expires_at,
       r.transaction_id, r.currency, r.amount, r.effective_at, r.resolved_at
FROM ledger.reservations AS r
WHERE r.ledger_id = $1::integer AND r.id = ANY ($2::uuid[])
