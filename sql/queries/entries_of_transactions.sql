-- Indexes: entries_pkey, accounts_pkey
-- The entries of many transactions, each by the accounts it names: a probe of the entries' primary key for each, and one of the
-- accounts'. OFFSET 0 keeps the planner from starting with the accounts, whose whole history it would read; LIMIT 1 says what
-- their key says, and keeps it from joining all of them where it expects an entry in each of many partitions.
-- $1 ledger, $2 created_at, $3 transaction ids, $4 account ids: a row for each account of each transaction
SELECT e.transaction_id, e.account_id, a.entity_id, a.group_type, a.currency, e.amount, e.balance_after, e.version
FROM unnest($2::timestamptz[], $3::uuid[], $4::bigint[]) AS wanted (created_at, transaction_id, account_id)
CROSS JOIN LATERAL (
  SELECT e.transaction_id, e.account_id, e.amount, e.balance_after, e.version
  FROM ledger.entries AS e
  WHERE e.ledger_id = $1::integer AND e.account_id = wanted.account_id AND e.created_at = wanted.created_at
    AND e.transaction_id = wanted.transaction_id
  OFFSET 0
) AS e
CROSS JOIN LATERAL (
  SELECT a.entity_id, a.group_type, a.currency
  FROM ledger.accounts AS a
  WHERE a.ledger_id = $1::integer AND a.id = e.account_id
  LIMIT 1
) AS a
