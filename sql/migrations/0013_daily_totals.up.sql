-- The days of a ledger without its users: a report over years reads a few rows a day, however many users there are.
CREATE TABLE ledger.daily_totals (
  ledger_id         integer NOT NULL,
  day               date NOT NULL,
  currency          text NOT NULL,
  status            text NOT NULL,
  transaction_count bigint NOT NULL,
  total_amount      numeric(38, 0) NOT NULL,
  PRIMARY KEY (ledger_id, day, currency, status) INCLUDE (transaction_count, total_amount)
);
INSERT INTO ledger.daily_totals (ledger_id, day, currency, status, transaction_count, total_amount)
SELECT ledger_id, day, currency, status, sum(transaction_count)::bigint, sum(total_amount)
FROM ledger.daily_transaction_summary
GROUP BY ledger_id, day, currency, status;
