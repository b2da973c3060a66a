-- The ledger as it is usually built: the same columns in plain tables, with the indexes that reading them needs.
-- Without foreign keys, which ours has none of on these tables either, and which would cost this side more.
CREATE SCHEMA textbook;

CREATE TABLE textbook.accounts (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  ledger_id  integer NOT NULL,
  entity_id  text NOT NULL,
  group_type text NOT NULL,
  currency   text NOT NULL,
  name       text NOT NULL DEFAULT '',
  status     text NOT NULL DEFAULT 'ACTIVE',
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (ledger_id, entity_id, group_type, currency)
);

CREATE TABLE textbook.balances (
  account_id    bigint PRIMARY KEY,
  posted        bigint NOT NULL DEFAULT 0,
  pending_out   bigint NOT NULL DEFAULT 0,
  min_balance   bigint,
  version       bigint NOT NULL DEFAULT 0,
  last_entry_at timestamptz
) WITH (fillfactor = 50);

CREATE TABLE textbook.transactions (
  id             uuid PRIMARY KEY,
  ledger_id      integer NOT NULL,
  created_at     timestamptz(3) NOT NULL,
  user_id        text NOT NULL DEFAULT '',
  status         text NOT NULL CHECK (status IN ('SUCCESS', 'FAILED')),
  currency       text NOT NULL,
  amount         bigint NOT NULL CHECK (amount >= 0),
  reference_code text,
  description    text,
  effective_at   timestamptz(3),
  metadata       jsonb
);
CREATE INDEX transactions_user_idx ON textbook.transactions (user_id, status, created_at DESC);
CREATE INDEX transactions_reference_idx ON textbook.transactions (reference_code) WHERE reference_code IS NOT NULL;

CREATE TABLE textbook.entries (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  transaction_id uuid NOT NULL,
  account_id     bigint NOT NULL,
  created_at     timestamptz(3) NOT NULL,
  version        bigint NOT NULL CHECK (version > 0),
  amount         bigint NOT NULL CHECK (amount <> 0),
  balance_after  bigint NOT NULL
);
CREATE INDEX entries_transaction_idx ON textbook.entries (transaction_id);
CREATE INDEX entries_account_idx ON textbook.entries (account_id, created_at);

CREATE TABLE textbook.idempotency_keys (
  key            text PRIMARY KEY,
  fingerprint    bytea NOT NULL,
  transaction_id uuid NOT NULL,
  created_at     timestamptz(3) NOT NULL DEFAULT now()
);
