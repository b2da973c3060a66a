-- Who is signed in to the page for people. Of the secret that the browser keeps only the SHA-256 is here, as of a key.
CREATE TABLE quartermaster.sessions (
  secret_sha256 bytea PRIMARY KEY CHECK (length(secret_sha256) = 32),
  -- Who it is says their key, asked each time: a key that is revoked ends its sessions. Keys of one process alone are not
  -- in api_keys, so nothing is referenced.
  key_id        text CHECK (key_id ~ '^[a-z0-9]{12}$'),
  -- Of a JSON web token, what it said.
  identity      jsonb,
  created_at    timestamptz NOT NULL DEFAULT now(),
  -- About when it was last used: one that is left alone ends early.
  seen_at       timestamptz NOT NULL DEFAULT now(),
  expires_at    timestamptz NOT NULL,
  ended_at      timestamptz,
  CHECK (num_nonnulls(key_id, identity) = 1)
);

-- What was done to the house and not to a quarter of it: who, when, what, why. Append-only, as quarter_events is.
CREATE TABLE quartermaster.house_events (
  id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  event  text NOT NULL,
  actor  text NOT NULL,
  reason text,
  detail jsonb NOT NULL DEFAULT '{}'
);
REVOKE UPDATE, DELETE, TRUNCATE ON quartermaster.house_events FROM CURRENT_USER;
