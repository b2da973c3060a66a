-- Ledgers 1 and 2 of the eight quarters of 2023 and 2024, 25,000 and 5,000 transactions, summed up but for what a test marks.
INSERT INTO ledger.ledgers (name) VALUES ('beside');

INSERT INTO ledger.accounts (ledger_id, entity_id, group_type, currency)
SELECT l.id, 'user-' || n, CASE WHEN n % 50 = 0 THEN 'FEES' ELSE 'WALLET' END, 'EUR'
FROM ledger.ledgers AS l CROSS JOIN generate_series(1, 1000) AS n ORDER BY l.id, n;
INSERT INTO ledger.balances (ledger_id, account_id, min_balance) SELECT ledger_id, id, NULL FROM ledger.accounts;

CREATE TEMPORARY TABLE made AS
SELECT n, 1 + (n % 6) / 5 AS ledger_id, gen_random_uuid() AS id, 'user-' || n % 1999 AS user_id, 1 + n % 997 AS amount,
       ('2023-01-01Z'::timestamptz + n * interval '35 minutes')::timestamptz(3) AS at,
       1 + (n % 6) / 5 * 1000 + n * 7 % 1000 AS from_id, 1 + (n % 6) / 5 * 1000 + (n * 7 + 1 + n % 998) % 1000 AS to_id
FROM generate_series(0, 29999) AS n;

INSERT INTO ledger.transactions (ledger_id, created_at, id, user_id, status, currency, amount, account_ids)
SELECT ledger_id, at, id, user_id, 'SUCCESS', 'EUR', amount, ARRAY[from_id, to_id] FROM made ORDER BY n;
INSERT INTO ledger.entries (ledger_id, account_id, created_at, version, transaction_id, amount, balance_after)
SELECT ledger_id, account_id, at, row_number() OVER account, id, amount, sum(amount) OVER account
FROM (SELECT n, ledger_id, from_id AS account_id, at, id, -amount AS amount FROM made
      UNION ALL SELECT n, ledger_id, to_id, at, id, amount FROM made) AS sides
WINDOW account AS (PARTITION BY ledger_id, account_id ORDER BY n ROWS UNBOUNDED PRECEDING);

INSERT INTO ledger.daily_transaction_summary (ledger_id, day, user_id, currency, status, transaction_count, total_amount)
SELECT ledger_id, (created_at AT TIME ZONE 'UTC')::date, user_id, currency, status, count(*), sum(amount)
FROM ledger.transactions GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5;
INSERT INTO ledger.daily_totals (ledger_id, day, currency, status, transaction_count, total_amount)
SELECT ledger_id, day, currency, status, sum(transaction_count), sum(total_amount)
FROM ledger.daily_transaction_summary GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;
-- As if there were sixty ledgers more.
INSERT INTO ledger.daily_totals (ledger_id, day, currency, status, transaction_count, total_amount)
SELECT ledger_id + n, day, currency, status, transaction_count, total_amount
FROM ledger.daily_totals CROSS JOIN generate_series(2, 61) AS n WHERE ledger_id = 1 ORDER BY 1, 2, 3, 4;
INSERT INTO ledger.daily_group_totals (ledger_id, day, group_type, currency, entry_count, debits, credits)
SELECT e.ledger_id, (e.created_at AT TIME ZONE 'UTC')::date, a.group_type, a.currency, count(*), sum(greatest(-e.amount, 0)), sum(greatest(e.amount, 0))
FROM ledger.entries AS e JOIN ledger.accounts AS a ON a.ledger_id = e.ledger_id AND a.id = e.account_id
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;
INSERT INTO ledger.daily_group_totals (ledger_id, day, group_type, currency, entry_count, debits, credits)
SELECT ledger_id + n, day, group_type, currency, entry_count, debits, credits
FROM ledger.daily_group_totals CROSS JOIN generate_series(2, 61) AS n WHERE ledger_id = 1 ORDER BY 1, 2, 3, 4;
INSERT INTO ledger.daily_balances (ledger_id, account_id, snapshot_date, closing_balance)
SELECT DISTINCT ON (ledger_id, account_id, day) ledger_id, account_id, (created_at AT TIME ZONE 'UTC')::date AS day, balance_after
FROM ledger.entries ORDER BY ledger_id, account_id, day, version DESC;
