-- Indexes: none
INSERT INTO ledger.entries (ledger_id, account_id, created_at, version, transaction_id, amount, balance_after)
SELECT $1::integer, e.account_id, e.created_at, e.version, e.transaction_id, e.amount, e.balance_after
FROM unnest($2::bigint[], $3::timestamptz[], $4::bigint[], $5::uuid[], $6::bigint[], $7::bigint[])
  AS e (account_id, created_at, version, transaction_id, amount, balance_after)
