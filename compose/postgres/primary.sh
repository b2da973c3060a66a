#!/usr/bin/env bash
# Runs once, when the primary's data directory is made: lets the replica follow it.
set -euo pipefail

# Read from standard input, for psql puts no variables into a -c.
psql --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --set=password="$POSTGRES_PASSWORD" <<'SQL'
CREATE ROLE replicator LOGIN REPLICATION PASSWORD :'password';
SQL

# The line that the image writes for all databases does not speak of replication.
echo 'host replication replicator all scram-sha-256' >> "$PGDATA/pg_hba.conf"
psql --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --command='SELECT pg_reload_conf()'
