-- Indexes: none
-- Appended, never updated: no row is contended.
INSERT INTO quartermaster.summary_marks (ledger_id, day)
SELECT $1::integer, m.day FROM unnest($2::date[]) AS m (day)
