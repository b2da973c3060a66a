-- Indexes: none
-- A batch in one statement. An array of arrays would have to be rectangular, so account_ids come as text, one
-- literal a row.
INSERT INTO ledger.transactions
  (ledger_id, created_at, id, user_id, status, currency, amount, reference_code, description, effective_at, reverses,
   settles, account_ids, metadata)
SELECT $1::integer, t.created_at, t.id, t.user_id, t.status, t.currency, t.amount, t.reference_code, t.description,
       t.effective_at, t.reverses, t.settles, t.account_ids::bigint[], t.metadata::jsonb
FROM unnest($2::timestamptz[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[],
            $10::timestamptz[], $11::uuid[], $12::uuid[], $13::text[], $14::text[])
  AS t (created_at, id, user_id, status, currency, amount, reference_code, description, effective_at, reverses,
        settles, account_ids, metadata)
