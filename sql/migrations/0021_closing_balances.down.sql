DROP FUNCTION reports.closing_balances(integer, date);
