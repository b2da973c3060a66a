-- Bearer keys. Of the secret only the SHA-256 is kept: it has 256 random bits, so no slow hash is needed to hide it.
-- ledgers null: all of them, those to come included.
CREATE TABLE quartermaster.api_keys (
  id            text PRIMARY KEY CHECK (id ~ '^[a-z0-9]{12}$'),
  name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  secret_sha256 bytea NOT NULL CHECK (length(secret_sha256) = 32),
  roles         text[] NOT NULL CHECK (roles <@ '{reader,writer,finance,admin}' AND cardinality(roles) > 0),
  ledgers       text[] CHECK (cardinality(ledgers) > 0),
  created_at    timestamptz NOT NULL DEFAULT now(),
  expires_at    timestamptz,
  revoked_at    timestamptz
);
