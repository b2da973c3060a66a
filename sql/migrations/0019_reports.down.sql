DROP SCHEMA reports CASCADE;
DROP VIEW quartermaster.live_days;
DROP FUNCTION quartermaster.start_of_day(date, text), quartermaster.periods(text, interval, date, date);
DELETE FROM quartermaster.refreshes WHERE name = 'top_counterparties_quarterly';
