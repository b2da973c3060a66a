-- A user's list by status, newest first, with the keyset cursor (created_at, id).
CREATE INDEX transactions_user_idx
  ON ledger.transactions (ledger_id, user_id, status, created_at DESC, id DESC);

-- text_pattern_ops makes LIKE 'prefix%' an index range whatever the collation.
CREATE INDEX transactions_reference_idx
  ON ledger.transactions (ledger_id, reference_code text_pattern_ops) WHERE reference_code IS NOT NULL;
