DROP TABLE quartermaster.settings;
-- CASCADE also takes the quarters that were detached: they hang on no parent any more.
DROP SCHEMA ledger CASCADE;
