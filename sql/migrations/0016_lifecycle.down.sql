DROP TABLE quartermaster.quarter_jobs;
DROP TABLE quartermaster.restores;
DROP TABLE quartermaster.archive_parts;
DROP TABLE quartermaster.approvals;
DROP TABLE quartermaster.quarter_currencies;
DROP TABLE ledger.quarter_accounts;
ALTER TABLE ledger.quarter_balances DROP COLUMN version;
ALTER TABLE quartermaster.quarters
  DROP COLUMN stale_reason,
  DROP COLUMN reopened_at,
  DROP COLUMN dropped_at,
  DROP COLUMN restored_at,
  DROP COLUMN restored_until;
