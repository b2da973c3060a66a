#!/bin/sh
# Writes down who may log in, and becomes PgBouncer.
set -eu
umask 077
for role in owner worker api reader; do
  printf '"quartermaster_%s" "%s"\n' "$role" "$DEV_PASSWORD"
done > /tmp/userlist.txt
exec pgbouncer /pgbouncer.ini
