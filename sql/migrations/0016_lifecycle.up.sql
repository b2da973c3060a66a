-- The whole life of a quarter: reopened, dropped, restored, released; two people where one is not enough; archives that are
-- resumed part by part; jobs that can be followed.

ALTER TABLE quartermaster.quarters
  -- Why a closed quarter has to be closed again: an earlier one was reopened since.
  ADD COLUMN stale_reason   text,
  ADD COLUMN reopened_at    timestamptz,
  ADD COLUMN dropped_at     timestamptz,
  -- When it was last restored, kept after its release; and until when it stays so.
  ADD COLUMN restored_at    timestamptz,
  ADD COLUMN restored_until timestamptz;

-- The version of the account's last entry in the quarter: where the first of its next quarter goes on. Not known of
-- quarters that were closed before.
ALTER TABLE ledger.quarter_balances ADD COLUMN version bigint;

-- Reference data as they were when the quarter was closed; the archive is made of these.
CREATE TABLE ledger.quarter_accounts (
  ledger_id  integer NOT NULL,
  quarter    text NOT NULL CHECK (quarter ~ '^[0-9]{4}q[1-4]$'),
  account_id bigint NOT NULL,
  entity_id  text NOT NULL,
  group_type text NOT NULL,
  currency   text NOT NULL,
  name       text NOT NULL,
  status     text NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (ledger_id, quarter, account_id)
);
CREATE TABLE quartermaster.quarter_currencies (
  quarter  text NOT NULL,
  code     text NOT NULL,
  exponent smallint NOT NULL,
  PRIMARY KEY (quarter, code)
);

-- Quarters that were closed before get what can be had now.
INSERT INTO ledger.quarter_accounts
  (ledger_id, quarter, account_id, entity_id, group_type, currency, name, status, created_at)
SELECT a.ledger_id, named.quarter, a.id, a.entity_id, a.group_type, a.currency, a.name, a.status, a.created_at
FROM (
  SELECT b.ledger_id, b.quarter, b.account_id
  FROM ledger.quarter_balances AS b JOIN quartermaster.quarters AS q ON q.quarter = b.quarter AND q.state = 'closed'
  UNION
  SELECT t.ledger_id, q.quarter, unnest(t.account_ids)
  FROM quartermaster.quarters AS q
  JOIN ledger.transactions AS t ON t.created_at >= q.starts_at AND t.created_at < q.ends_at
  WHERE q.state = 'closed'
) AS named
JOIN ledger.accounts AS a ON a.ledger_id = named.ledger_id AND a.id = named.account_id;
INSERT INTO quartermaster.quarter_currencies (quarter, code, exponent)
SELECT q.quarter, c.code, c.exponent FROM quartermaster.quarters AS q CROSS JOIN ledger.currencies AS c
WHERE q.state = 'closed';

-- Who asked and who approved, of what content: a quarter that is closed anew is approved anew.
CREATE TABLE quartermaster.approvals (
  quarter      text NOT NULL REFERENCES quartermaster.quarters (quarter),
  verb         text NOT NULL CHECK (verb IN ('archive', 'drop')),
  digest       text NOT NULL,
  requested_by text NOT NULL,
  requested_at timestamptz NOT NULL,
  reason       text,
  approved_by  text CHECK (approved_by <> requested_by),
  approved_at  timestamptz,
  PRIMARY KEY (quarter, verb),
  CHECK ((approved_by IS NULL) = (approved_at IS NULL))
);

-- The parts of an archive that are in the store already, while it is being written: where a killed one goes on. Keys are
-- those of the first and the last row, each column as text.
CREATE TABLE quartermaster.archive_parts (
  quarter    text NOT NULL,
  -- Of the quarter as it was closed: parts of another close are of no use.
  digest     text NOT NULL,
  table_name text NOT NULL,
  part       integer NOT NULL CHECK (part >= 0),
  path       text NOT NULL,
  rows       bigint NOT NULL,
  bytes      bigint NOT NULL,
  sha256     text NOT NULL,
  first_key  jsonb,
  last_key   jsonb,
  is_last    boolean NOT NULL,
  PRIMARY KEY (quarter, table_name, part)
);

-- Copies of quarters in schemas of their own, beside whatever state the quarter is in.
CREATE TABLE quartermaster.restores (
  quarter     text NOT NULL,
  schema_name text NOT NULL,
  reason      text NOT NULL,
  restored_by text NOT NULL,
  restored_at timestamptz NOT NULL,
  expires_at  timestamptz NOT NULL,
  PRIMARY KEY (quarter, schema_name)
);

-- What was asked of a worker and what became of it. The queue forgets a step that is done; who asked for it does not.
CREATE TABLE quartermaster.quarter_jobs (
  id           uuid PRIMARY KEY,
  quarter      text NOT NULL,
  verb         text NOT NULL,
  actor        text NOT NULL,
  reason       text,
  -- Of a restore and its release: until when, and into which schema.
  until        timestamptz,
  into_schema  text,
  state        text NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
  what         text,
  done         bigint,
  total        bigint,
  report       jsonb,
  error        jsonb,
  requested_at timestamptz NOT NULL DEFAULT now(),
  started_at   timestamptz,
  updated_at   timestamptz NOT NULL DEFAULT now(),
  finished_at  timestamptz
);
