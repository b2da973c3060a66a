#!/usr/bin/env bash
# Copies the primary when there is no data yet, and follows it. PGPASSWORD is the replicator's.
set -euo pipefail

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  # A copy that was cut short is begun anew: pg_basebackup takes an empty directory only.
  rm -rf "${PGDATA:?}"
  mkdir -p "$PGDATA"
  chmod 700 "$PGDATA"
  pg_basebackup --host=postgres --username=replicator --pgdata="$PGDATA" \
    --write-recovery-conf --wal-method=stream --checkpoint=fast
fi
exec "$@" -D "$PGDATA"
