DROP INDEX ledger.transactions_failed_idx;
DROP INDEX ledger.idempotency_keys_created_idx;
DROP INDEX ledger.reservations_expiry_idx, ledger.reservations_user_idx, ledger.reservations_pending_idx;
