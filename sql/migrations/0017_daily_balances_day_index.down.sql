DROP INDEX ledger.daily_balances_day_idx;
