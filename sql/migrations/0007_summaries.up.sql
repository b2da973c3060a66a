-- Days are those of the ledger's zone. Kept online for ever, so they do not live in partitions.
CREATE TABLE ledger.daily_transaction_summary (
  ledger_id         integer NOT NULL,
  day               date NOT NULL,
  user_id           text NOT NULL,
  currency          text NOT NULL,
  status            text NOT NULL,
  transaction_count bigint NOT NULL,
  total_amount      bigint NOT NULL,
  PRIMARY KEY (ledger_id, day, user_id, currency, status)
);

-- One row for each day on which the account moved.
CREATE TABLE ledger.daily_balances (
  ledger_id       integer NOT NULL,
  account_id      bigint NOT NULL,
  snapshot_date   date NOT NULL,
  closing_balance bigint NOT NULL,
  PRIMARY KEY (ledger_id, account_id, snapshot_date)
);

-- The trial balance, fixed at close. Accounts that did not move carry their balance over and have no row.
CREATE TABLE ledger.quarter_balances (
  ledger_id  integer NOT NULL,
  quarter    text NOT NULL CHECK (quarter ~ '^[0-9]{4}q[1-4]$'),
  account_id bigint NOT NULL,
  opening    bigint NOT NULL,
  debits     bigint NOT NULL CHECK (debits >= 0),
  credits    bigint NOT NULL CHECK (credits >= 0),
  closing    bigint NOT NULL,
  PRIMARY KEY (ledger_id, quarter, account_id),
  CHECK (closing = opening + credits - debits)
);

-- Which days a posting touched, written in the posting's own transaction: append-only, so no row is contended.
-- The refresh deletes the marks it has worked off in the transaction that rewrites their days.
CREATE TABLE quartermaster.summary_marks (
  ledger_id integer NOT NULL,
  day       date NOT NULL,
  marked_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
