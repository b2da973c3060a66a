-- Indexes: none
INSERT INTO ledger.reservations
  (ledger_id, id, state, postings, user_id, reference_code, description, metadata, created_at, expires_at, currency,
   amount, account_ids, effective_at)
SELECT $1::integer, r.id, 'PENDING', r.postings::jsonb, r.user_id, r.reference_code, r.description, r.metadata::jsonb,
       r.created_at, r.expires_at, r.currency, r.amount, r.account_ids::bigint[], r.effective_at
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[],
            $9::timestamptz[], $10::text[], $11::bigint[], $12::text[], $13::timestamptz[])
  AS r (id, postings, user_id, reference_code, description, metadata, created_at, expires_at, currency, amount,
        account_ids, effective_at)
