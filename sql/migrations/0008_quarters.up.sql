-- The state row of a quarter. Bounds are instants computed once in the ledger's zone and stored.
-- Counts and digest are null until the quarter is closed; the digest is the one the archive has to reproduce.
CREATE TABLE quartermaster.quarters (
  quarter      text PRIMARY KEY CHECK (quarter ~ '^[0-9]{4}q[1-4]$'),
  starts_at    timestamptz NOT NULL,
  ends_at      timestamptz NOT NULL CHECK (ends_at > starts_at),
  state        text NOT NULL DEFAULT 'planned'
    CHECK (state IN ('planned', 'open', 'closed', 'archived', 'detached', 'dropped', 'restored')),
  transactions bigint,
  entries      bigint,
  digest       text,
  hold_reason  text,
  closed_at    timestamptz,
  archived_at  timestamptz,
  verified_at  timestamptz,
  detached_at  timestamptz,
  updated_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE quartermaster.quarter_events (
  id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  quarter text NOT NULL,
  at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  event   text NOT NULL,
  actor   text NOT NULL,
  reason  text,
  detail  jsonb NOT NULL DEFAULT '{}'
);
REVOKE UPDATE, DELETE, TRUNCATE ON quartermaster.quarter_events FROM CURRENT_USER;

CREATE TABLE quartermaster.archives (
  quarter                  text PRIMARY KEY,
  location                 text NOT NULL,
  format_version           integer NOT NULL,
  manifest_sha256          text NOT NULL,
  previous_manifest_sha256 text,
  digest                   text NOT NULL,
  rows                     bigint NOT NULL,
  bytes                    bigint NOT NULL,
  written_at               timestamptz NOT NULL,
  -- When it was last read back and found right; null once it was found damaged.
  verified_at              timestamptz
);

CREATE TABLE quartermaster.archive_files (
  quarter    text NOT NULL REFERENCES quartermaster.archives (quarter) ON DELETE CASCADE,
  path       text NOT NULL,
  table_name text NOT NULL,
  rows       bigint NOT NULL,
  bytes      bigint NOT NULL,
  sha256     text NOT NULL,
  PRIMARY KEY (quarter, path)
);
