-- Fills the empty quarters of a book: ledger 1 with most of the transactions, and others beside it. Rows are made by PostgreSQL
-- itself, as posting would have left them. How many, and of what, is in settings that loaded.ts makes:
--  plans.rows         transactions in all, of which ledger 1 has 20 of 21
--  plans.ledgers      how many ledgers share the others
--  plans.starts_at    and
--  plans.ends_at      the first and the last instant
--  plans.heavy_every  every so many is user-heavy's
--  plans.failed       FAILED, of a million
-- The rest is always the same:
--  - Two transactions share each instant.
--  - 16,384 users have the others, in runs of eight.
--  - Every tenth has no reference code, every 3000th a RARE-…, all others an INV-….
--  - Accounts 1 to 10,000 are wallets; 10,001 is the bank, in every fifth transaction.
SET synchronous_commit = off;
SET work_mem = '384MB';
SET maintenance_work_mem = '192MB';
SET max_parallel_workers_per_gather = 0;
SET jit = off;

-- Without their indexes the rows come in several times faster, and an index is built in one go.
CREATE TEMPORARY TABLE later AS
SELECT i.indexrelid::regclass::text AS name, c.conname, k.table_name,
       CASE WHEN c.conname IS NULL THEN replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ')
            ELSE format('ALTER TABLE %s ADD CONSTRAINT %I %s', k.table_name, c.conname, pg_get_constraintdef(c.oid)) END AS made
FROM (VALUES ('ledger.transactions'), ('ledger.entries')) AS k (table_name)
JOIN pg_catalog.pg_index AS i ON i.indrelid = k.table_name::regclass
LEFT JOIN pg_catalog.pg_constraint AS c ON c.conindid = i.indexrelid AND c.conrelid = i.indrelid;
DO $$
DECLARE one record;
BEGIN
  FOR one IN SELECT name, conname, table_name FROM later LOOP
    IF one.conname IS NULL THEN EXECUTE 'DROP INDEX ' || one.name;
    ELSE EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', one.table_name, one.conname);
    END IF;
  END LOOP;
END $$;

INSERT INTO ledger.ledgers (name) SELECT 'beside-' || n FROM generate_series(1, current_setting('plans.ledgers')::integer) AS n;

INSERT INTO ledger.accounts (ledger_id, entity_id, group_type, currency)
SELECT ledger.id, CASE WHEN n <= 10000 THEN 'user-' || n WHEN n <= 10002 THEN 'bank' ELSE 'idle-' || n END,
       CASE WHEN n IN (10001, 10002) THEN 'CASH' ELSE 'WALLET' END, CASE n WHEN 10002 THEN 'USD' ELSE 'EUR' END
FROM ledger.ledgers AS ledger CROSS JOIN generate_series(1, 10100) AS n
WHERE ledger.id <= 2
ORDER BY ledger.id, n;

CREATE TEMPORARY TABLE made AS
SELECT n, at,
       CASE n % 21 WHEN 20 THEN 2 + n / 21 % current_setting('plans.ledgers')::integer ELSE 1 END AS ledger_id,
       (lpad(to_hex((date_part('epoch', at) * 1000)::bigint), 12, '0') || '70008' || lpad(to_hex(n), 15, '0'))::uuid AS id,
       CASE WHEN n % every = 7 % every THEN 'user-heavy' ELSE 'user-' || (hashint4(n / 8) & 16383) END AS user_id,
       CASE WHEN n::bigint * 7919 % 1000000 < failed THEN 'FAILED' ELSE 'SUCCESS' END AS status,
       CASE WHEN n % 3000 = 7 THEN 'RARE-' || n WHEN n % 10 > 0 THEN 'INV-' || lpad(n::text, 7, '0') END AS reference_code,
       CASE WHEN n % 5 = 1 THEN 10001 ELSE 1 + (hashint4(n) & 16383) % 5000 END::bigint AS from_id,
       (5001 + (hashint4(-n) & 16383) % 5000)::bigint AS to_id,
       1 + n % 997 AS amount
FROM (
  SELECT n, every, failed, (starts_at + (ends_at - starts_at) * ((n - n % 2)::float8 / (rows + 2)))::timestamptz(3) AS at
  FROM (
    SELECT current_setting('plans.starts_at')::timestamptz AS starts_at, current_setting('plans.ends_at')::timestamptz AS ends_at,
           current_setting('plans.heavy_every')::integer AS every, current_setting('plans.failed')::integer AS failed,
           current_setting('plans.rows')::integer AS rows
  ) AS settings
  CROSS JOIN generate_series(0, rows - 1) AS n
  OFFSET 0
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

DO $$
DECLARE one record;
BEGIN
  FOR one IN SELECT made FROM later ORDER BY conname NULLS LAST, name LOOP
    EXECUTE one.made;
  END LOOP;
END $$;
DROP TABLE later;

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
SELECT ledger_id + 100000 + n, day, currency, status, transaction_count, total_amount
FROM ledger.daily_totals CROSS JOIN generate_series(10, 50) AS n WHERE ledger_id = 1 ORDER BY 1, 2, 3, 4;

INSERT INTO ledger.daily_balances (ledger_id, account_id, snapshot_date, closing_balance)
SELECT DISTINCT ON (account_id, day) ledger_id, account_id, (created_at AT TIME ZONE 'UTC')::date AS day, balance_after
FROM ledger.entries
WHERE ledger_id = 1 AND created_at < current_setting('plans.starts_at')::timestamptz + interval '181 days'
ORDER BY account_id, day, version DESC;

-- Reservations: every thousandth user has some that are pending, and there are many more that are not. Some of them are past
-- their time and were not freed yet.
INSERT INTO ledger.reservations
  (ledger_id, id, state, postings, user_id, currency, amount, account_ids, created_at, expires_at, resolved_at)
SELECT 1, id, CASE WHEN n % 100 = 20 THEN 'PENDING' ELSE 'VOIDED' END,
       jsonb_build_array(jsonb_build_object('from', 'a:B', 'to', 'c:D', 'amount', amount::text, 'currency', 'EUR')),
       user_id, 'EUR', amount, ARRAY[from_id, to_id], at, CASE WHEN n % 1000 = 20 THEN at + interval '1 hour' END,
       CASE WHEN n % 100 = 20 THEN NULL ELSE at END
FROM made WHERE n % 20 = 0;

INSERT INTO ledger.reversals (ledger_id, reversed_id, transaction_id)
SELECT ledger_id, id, gen_random_uuid() FROM made WHERE n % 50 = 3;

INSERT INTO ledger.account_phones (ledger_id, account_id, country_code, phone_number)
SELECT ledger_id, id, '+49', '15' || id FROM ledger.accounts WHERE ledger_id = 1 AND entity_id LIKE 'user-%';

INSERT INTO ledger.idempotency_keys (ledger_id, key, fingerprint, transaction_id, created_at)
SELECT ledger_id, 'key-' || n, '\x00', id, at FROM made WHERE n % 6 = 0;

INSERT INTO quartermaster.api_keys (id, name, secret_sha256, roles)
SELECT lpad(n::text, 12, 'k'), 'key', decode(repeat('00', 32), 'hex'), '{reader}' FROM generate_series(1, 2000) AS n;

DROP TABLE made;

-- Flushed, or VACUUM could not know the rows to be visible to all: this commit waits for those before it.
SET synchronous_commit = on;
INSERT INTO quartermaster.settings (name, value) VALUES ('flushed', 'yes');
DELETE FROM quartermaster.settings WHERE name = 'flushed';
