-- The lists of what is pending, of a ledger and of a user, newest first; and what expires next.
CREATE INDEX reservations_pending_idx
  ON ledger.reservations (ledger_id, created_at DESC, id DESC) WHERE state = 'PENDING';
CREATE INDEX reservations_user_idx
  ON ledger.reservations (ledger_id, user_id, created_at DESC, id DESC) WHERE state = 'PENDING';
CREATE INDEX reservations_expiry_idx
  ON ledger.reservations (expires_at) WHERE state = 'PENDING' AND expires_at IS NOT NULL;

-- Old keys are purged from one end, however many there are.
CREATE INDEX idempotency_keys_created_idx ON ledger.idempotency_keys (created_at);

-- FAILED is rare: without an index of its own a list of them would read everything else on the way.
CREATE INDEX transactions_failed_idx
  ON ledger.transactions (ledger_id, created_at DESC, id DESC) WHERE status = 'FAILED';
