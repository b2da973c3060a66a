-- Fills the empty quarters 2023q1 to 2024q4: ledger 1 with 600,000 transactions and 1.2 million entries, and ledger 2
-- beside it with a twentieth of that. Rows are made by PostgreSQL itself, as posting would have left them.
--  - Two transactions share each instant.
--  - Of the users of ledger 1, 16,384 have about 35 transactions each, in runs of eight, and user-heavy has 30,000.
--  - Every 200th is FAILED. Every tenth has no reference code, every 3000th a RARE-…, all others an INV-….
--  - Accounts 1 to 10,000 are wallets with about 120 entries each; 10,001 is the bank, in every fifth transaction.
-- Flushed, or VACUUM could not know the rows to be visible to all.
SET synchronous_commit = on;
SET work_mem = '192MB';
SET max_parallel_workers_per_gather = 0;

INSERT INTO ledger.ledgers (name) VALUES ('beside');

INSERT INTO ledger.accounts (ledger_id, entity_id, group_type, currency)
SELECT ledger.id, CASE WHEN n <= 10000 THEN 'user-' || n WHEN n <= 10002 THEN 'bank' ELSE 'idle-' || n END,
       CASE WHEN n IN (10001, 10002) THEN 'CASH' ELSE 'WALLET' END, CASE n WHEN 10002 THEN 'USD' ELSE 'EUR' END
FROM ledger.ledgers AS ledger CROSS JOIN generate_series(1, 10100) AS n
ORDER BY ledger.id, n;

CREATE TEMPORARY TABLE made AS
SELECT n, CASE n % 21 WHEN 20 THEN 2 ELSE 1 END AS ledger_id, at,
       (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '70008' || lpad(to_hex(n), 15, '0'))::uuid AS id,
       CASE n % 20 WHEN 7 THEN 'user-heavy' ELSE 'user-' || (hashint4(n / 8) & 16383) END AS user_id,
       CASE n % 200 WHEN 0 THEN 'FAILED' ELSE 'SUCCESS' END AS status,
       CASE WHEN n % 3000 = 7 THEN 'RARE-' || n WHEN n % 10 > 0 THEN 'INV-' || lpad(n::text, 7, '0') END AS reference_code,
       CASE WHEN n % 5 = 1 THEN 10001 ELSE 1 + (hashint4(n) & 16383) % 5000 END::bigint AS from_id,
       (5001 + (hashint4(-n) & 16383) % 5000)::bigint AS to_id,
       (1 + n % 997)::bigint AS amount
FROM (
  SELECT n, ('2023-01-01Z'::timestamptz + (n - n % 2) * ('2025-01-01Z'::timestamptz - '2023-01-01Z') / 630002)::timestamptz(3) AS at
  FROM generate_series(0, 629999) AS n
) AS instants;

INSERT INTO ledger.transactions
  (ledger_id, created_at, id, user_id, status, currency, amount, reference_code, account_ids, metadata)
SELECT ledger_id, at, id, user_id, status, 'EUR', amount, reference_code, ARRAY[from_id, to_id], '{"channel": "app"}'
FROM made ORDER BY n;

INSERT INTO ledger.entries (ledger_id, account_id, created_at, version, transaction_id, amount, balance_after)
SELECT ledger_id, account_id, at, row_number() OVER account, id, amount, sum(amount) OVER account
FROM (
  SELECT n, ledger_id, from_id AS account_id, at, id, -amount AS amount FROM made WHERE status = 'SUCCESS'
  UNION ALL
  SELECT n, ledger_id, to_id, at, id, amount FROM made WHERE status = 'SUCCESS'
) AS sides
WINDOW account AS (PARTITION BY ledger_id, account_id ORDER BY n ROWS UNBOUNDED PRECEDING);

INSERT INTO ledger.balances (ledger_id, account_id, posted, min_balance, version, last_entry_at)
SELECT a.ledger_id, a.id, coalesce(e.posted, 0), NULL, coalesce(e.version, 0), e.last_entry_at
FROM ledger.accounts AS a
LEFT JOIN (
  SELECT ledger_id, account_id, sum(amount) AS posted, max(version) AS version, max(created_at) AS last_entry_at
  FROM ledger.entries GROUP BY ledger_id, account_id
) AS e ON e.ledger_id = a.ledger_id AND e.account_id = a.id;

INSERT INTO ledger.daily_transaction_summary
  (ledger_id, day, user_id, currency, status, transaction_count, total_amount)
SELECT ledger_id, (created_at AT TIME ZONE 'UTC')::date, user_id, currency, status, count(*), sum(amount)
FROM ledger.transactions GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5;

INSERT INTO ledger.daily_totals (ledger_id, day, currency, status, transaction_count, total_amount)
SELECT ledger_id, day, currency, status, sum(transaction_count), sum(total_amount)
FROM ledger.daily_transaction_summary GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;

-- As if there were forty ledgers more, for one that has its totals to itself may as well read them all.
INSERT INTO ledger.daily_totals (ledger_id, day, currency, status, transaction_count, total_amount)
SELECT ledger_id + n, day, currency, status, transaction_count, total_amount
FROM ledger.daily_totals CROSS JOIN generate_series(10, 50) AS n WHERE ledger_id = 1 ORDER BY 1, 2, 3, 4;

INSERT INTO ledger.daily_balances (ledger_id, account_id, snapshot_date, closing_balance)
SELECT DISTINCT ON (account_id, day) ledger_id, account_id, (created_at AT TIME ZONE 'UTC')::date AS day, balance_after
FROM ledger.entries
WHERE ledger_id = 1 AND created_at < '2023-07-01Z'
ORDER BY account_id, day, version DESC;

-- Reservations: every thousandth user has some that are pending, and there are many more that are not.
INSERT INTO ledger.reservations
  (ledger_id, id, state, postings, user_id, currency, amount, account_ids, created_at, resolved_at)
SELECT 1, id, CASE WHEN n % 100 = 20 THEN 'PENDING' ELSE 'VOIDED' END,
       jsonb_build_array(jsonb_build_object('from', 'a:B', 'to', 'c:D', 'amount', amount::text, 'currency', 'EUR')),
       user_id, 'EUR', amount, ARRAY[from_id, to_id], at, CASE WHEN n % 100 = 20 THEN NULL ELSE at END
FROM made WHERE n % 20 = 0;

INSERT INTO ledger.idempotency_keys (ledger_id, key, fingerprint, transaction_id, created_at)
SELECT ledger_id, 'key-' || n, '\x00', id, at FROM made WHERE n % 6 = 0;

DROP TABLE made;
