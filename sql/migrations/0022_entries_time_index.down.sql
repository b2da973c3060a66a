DROP INDEX ledger.entries_time_idx;
