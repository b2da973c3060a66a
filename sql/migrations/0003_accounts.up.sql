CREATE TABLE ledger.accounts (
  ledger_id  integer NOT NULL REFERENCES ledger.ledgers (id),
  id         bigint GENERATED ALWAYS AS IDENTITY,
  entity_id  text NOT NULL CHECK (entity_id <> ''),
  group_type text NOT NULL CHECK (group_type <> ''),
  currency   text NOT NULL REFERENCES ledger.currencies (code),
  name       text NOT NULL DEFAULT '',
  status     text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'BLOCKED', 'CLOSED')),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (ledger_id, id)
);

CREATE TABLE ledger.account_phones (
  ledger_id    integer NOT NULL,
  account_id   bigint NOT NULL,
  country_code text NOT NULL,
  phone_number text NOT NULL,
  PRIMARY KEY (ledger_id, account_id, country_code, phone_number),
  FOREIGN KEY (ledger_id, account_id) REFERENCES ledger.accounts (ledger_id, id)
);

-- All that changes with a posting, in one narrow row an account. The free half of each page and the lack of
-- any index but the key keep every update HOT, so a busy account bloats nothing. min_balance null: no limit.
CREATE TABLE ledger.balances (
  ledger_id     integer NOT NULL,
  account_id    bigint NOT NULL,
  posted        bigint NOT NULL DEFAULT 0,
  pending_out   bigint NOT NULL DEFAULT 0 CHECK (pending_out >= 0),
  pending_in    bigint NOT NULL DEFAULT 0 CHECK (pending_in >= 0),
  min_balance   bigint DEFAULT 0,
  version       bigint NOT NULL DEFAULT 0,
  last_entry_at timestamptz,
  PRIMARY KEY (ledger_id, account_id),
  FOREIGN KEY (ledger_id, account_id) REFERENCES ledger.accounts (ledger_id, id)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
