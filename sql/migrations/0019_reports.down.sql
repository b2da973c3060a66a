-- By their names: what somebody has built upon them is not ours to drop, and PostgreSQL says what it is.
DROP MATERIALIZED VIEW reports.top_counterparties_quarterly;
DROP VIEW
  reports.daily, reports.weekly, reports.monthly, reports.quarterly,
  reports.daily_by_user, reports.weekly_by_user, reports.monthly_by_user, reports.quarterly_by_user,
  reports.daily_by_group, reports.weekly_by_group, reports.monthly_by_group, reports.quarterly_by_group,
  reports.quarters, reports.accounts, reports.balance_history, reports.trial_balance, reports.trial_balance_totals,
  reports.freshness, quartermaster.live_days;
DROP FUNCTION reports.closing_balance(integer, bigint, date), reports.closing_balance_minor(integer, bigint, date);
DROP SCHEMA reports;
DROP FUNCTION quartermaster.start_of_day(date, text), quartermaster.periods(text, interval, date, date);
DELETE FROM quartermaster.refreshes WHERE name = 'top_counterparties_quarterly';
