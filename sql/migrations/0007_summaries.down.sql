DROP TABLE quartermaster.summary_marks;
DROP TABLE ledger.quarter_balances;
DROP TABLE ledger.daily_balances;
DROP TABLE ledger.daily_transaction_summary;
