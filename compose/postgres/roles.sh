#!/usr/bin/env bash
# Makes the roles that Quartermaster's processes log in as, and gives each the password of this laptop. Does no harm twice.
set -euo pipefail

psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --file=/roles.sql
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --set=password="$PGPASSWORD" <<'SQL'
ALTER ROLE quartermaster_owner PASSWORD :'password';
ALTER ROLE quartermaster_worker PASSWORD :'password';
ALTER ROLE quartermaster_api PASSWORD :'password';
ALTER ROLE quartermaster_reader PASSWORD :'password';
SQL
