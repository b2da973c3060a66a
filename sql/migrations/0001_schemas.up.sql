-- The schema of the data. The one of the state, quartermaster, is made by the migration runner, which keeps its own
-- tables there.
CREATE SCHEMA ledger;

-- Facts fixed at the first migration, above all the ledger's time zone: quarter bounds follow from it.
CREATE TABLE quartermaster.settings (
  name  text PRIMARY KEY,
  value text NOT NULL
);
