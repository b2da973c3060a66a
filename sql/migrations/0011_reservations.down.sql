ALTER TABLE ledger.balances DROP COLUMN status;
ALTER TABLE ledger.reservations
  DROP CONSTRAINT reservations_settled,
  DROP CONSTRAINT reservations_resolved,
  DROP COLUMN resolved_at, DROP COLUMN effective_at, DROP COLUMN account_ids, DROP COLUMN amount, DROP COLUMN currency;
