-- The progress of a load is written in the transaction that writes its rows, so that a killed load continues
-- exactly where it stopped. prefix_sha256 covers the first `records` records: a resumed load whose input
-- begins differently is refused. source_sha256 is the whole file's, null for a stream.
CREATE TABLE quartermaster.loads (
  ledger_id     integer NOT NULL REFERENCES ledger.ledgers (id),
  id            text NOT NULL CHECK (length(id) BETWEEN 1 AND 255),
  state         text NOT NULL CHECK (state IN ('running', 'stopped', 'done')),
  source_sha256 text,
  options       jsonb NOT NULL,
  records       bigint NOT NULL DEFAULT 0,
  prefix_sha256 text NOT NULL,
  booked        bigint NOT NULL DEFAULT 0,
  rejected      bigint NOT NULL DEFAULT 0,
  reject_bytes  bigint NOT NULL DEFAULT 0,
  started_at    timestamptz NOT NULL DEFAULT now(),
  updated_at    timestamptz NOT NULL DEFAULT now(),
  finished_at   timestamptz,
  PRIMARY KEY (ledger_id, id)
);
