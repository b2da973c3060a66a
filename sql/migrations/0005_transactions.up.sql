-- Kept in quarters. There is no DEFAULT partition on purpose: it would forbid DETACH … CONCURRENTLY and make
-- every attach scan it. There are no foreign keys in or out: they would lock their neighbours at attach and
-- detach; posting locks the balance rows instead, which proves the accounts.
-- created_at has whole milliseconds, as the version 7 uuid made from it.
CREATE TABLE ledger.transactions (
  ledger_id      integer NOT NULL,
  created_at     timestamptz(3) NOT NULL,
  id             uuid NOT NULL,
  user_id        text NOT NULL DEFAULT '',
  status         text NOT NULL CHECK (status IN ('SUCCESS', 'FAILED')),
  currency       text NOT NULL,
  amount         bigint NOT NULL CHECK (amount >= 0),
  reference_code text,
  description    text,
  effective_at   timestamptz(3),
  reverses       uuid,
  settles        uuid,
  account_ids    bigint[] NOT NULL,
  metadata       jsonb,
  PRIMARY KEY (ledger_id, created_at, id)
) PARTITION BY RANGE (created_at);

CREATE TABLE ledger.entries (
  ledger_id      integer NOT NULL,
  account_id     bigint NOT NULL,
  created_at     timestamptz(3) NOT NULL,
  version        bigint NOT NULL CHECK (version > 0),
  transaction_id uuid NOT NULL,
  amount         bigint NOT NULL CHECK (amount <> 0),
  balance_after  bigint NOT NULL,
  PRIMARY KEY (ledger_id, account_id, created_at, version)
) PARTITION BY RANGE (created_at);

-- Append-only for everybody the software runs as, the owner included. Partitions get the same grants.
REVOKE UPDATE, DELETE, TRUNCATE ON ledger.transactions, ledger.entries FROM CURRENT_USER;

-- What is pending or was reversed is known here, so that the rows above stay as they were written.
CREATE TABLE ledger.reservations (
  ledger_id      integer NOT NULL,
  id             uuid NOT NULL,
  state          text NOT NULL CHECK (state IN ('PENDING', 'SETTLED', 'VOIDED', 'EXPIRED')),
  postings       jsonb NOT NULL,
  user_id        text NOT NULL DEFAULT '',
  reference_code text,
  description    text,
  metadata       jsonb,
  created_at     timestamptz(3) NOT NULL,
  expires_at     timestamptz(3),
  transaction_id uuid,
  PRIMARY KEY (ledger_id, id)
);

CREATE TABLE ledger.reversals (
  ledger_id      integer NOT NULL,
  reversed_id    uuid NOT NULL,
  transaction_id uuid NOT NULL,
  PRIMARY KEY (ledger_id, reversed_id)
);

-- The fingerprint tells a repeated request from another one under the same key (SHA-256 of its canonical JSON).
CREATE TABLE ledger.idempotency_keys (
  ledger_id      integer NOT NULL,
  key            text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
  fingerprint    bytea NOT NULL,
  transaction_id uuid NOT NULL,
  created_at     timestamptz(3) NOT NULL,
  PRIMARY KEY (ledger_id, key)
);
