DROP INDEX ledger.transactions_reference_idx;
DROP INDEX ledger.transactions_user_idx;
