ALTER TABLE quartermaster.quarters DROP COLUMN frozen_at;
DO $$
DECLARE
  partition record;
BEGIN
  FOR partition IN
    SELECT c.oid::regclass AS name
    FROM pg_catalog.pg_inherits AS i
    JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid AND c.relkind = 'r'
    WHERE i.inhparent IN ('ledger.transactions'::regclass, 'ledger.entries'::regclass)
      AND pg_catalog.pg_has_role(c.relowner, 'USAGE')
    ORDER BY c.oid
  LOOP
    EXECUTE format('ALTER TABLE %s RESET (autovacuum_vacuum_insert_scale_factor, autovacuum_vacuum_insert_threshold,
      autovacuum_freeze_min_age, autovacuum_analyze_scale_factor)', partition.name);
  END LOOP;
  FOR partition IN
    SELECT format('%I.%I', 'ledger', s.stxname) AS name
    FROM pg_catalog.pg_statistic_ext AS s
    WHERE s.stxname LIKE 'transactions%status_currency_stat' AND s.stxnamespace = 'ledger'::regnamespace
  LOOP
    EXECUTE format('DROP STATISTICS %s', partition.name);
  END LOOP;
END
$$;
