-- The days of one user, from the index alone.
CREATE INDEX daily_transaction_summary_user_idx
  ON ledger.daily_transaction_summary (ledger_id, user_id, day)
  INCLUDE (currency, status, transaction_count, total_amount);
