-- A reservation keeps what its transaction will need, and the accounts it holds. The table is empty so far.
ALTER TABLE ledger.reservations
  ADD COLUMN currency     text NOT NULL,
  ADD COLUMN amount       bigint NOT NULL CHECK (amount > 0),
  ADD COLUMN account_ids  bigint[] NOT NULL,
  ADD COLUMN effective_at timestamptz(3),
  ADD COLUMN resolved_at  timestamptz(3),
  ADD CONSTRAINT reservations_resolved CHECK ((state = 'PENDING') = (resolved_at IS NULL)),
  ADD CONSTRAINT reservations_settled CHECK ((state = 'SETTLED') = (transaction_id IS NOT NULL));

-- Posting reads the status under the lock of the balance, where the newest one is seen even after a wait; that of
-- ledger.accounts is for lists, which are read from its index alone. Both are written in one transaction.
ALTER TABLE ledger.balances
  ADD COLUMN status text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'BLOCKED', 'CLOSED'));
UPDATE ledger.balances AS b SET status = a.status
FROM ledger.accounts AS a
WHERE a.ledger_id = b.ledger_id AND a.id = b.account_id AND a.status <> 'ACTIVE';
