DROP TABLE ledger.daily_totals;
