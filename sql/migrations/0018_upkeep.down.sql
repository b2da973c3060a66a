DROP TABLE quartermaster.refreshes;
DROP TABLE ledger.quarter_counterparties;
DROP TABLE ledger.daily_group_totals;
