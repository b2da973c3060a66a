-- No reader or writer waits behind the locks of statistics and of settings, so they may be waited for: autovacuum holds such a lock as long as it
-- works on a partition, and PostgreSQL ends it for us only when we have waited for deadlock_timeout, a second as a rule.
SET LOCAL lock_timeout = '10s';

-- What fails, fails in some currencies more than in others, which no statistics of one column tell: with these the list of what
-- failed in a currency reads what it shows, and not all that failed (docs/decisions/0013-statistics-and-freeze.md).
-- New partitions are made like the table and get statistics of their own.
CREATE STATISTICS ledger.transactions_status_currency_stat (mcv) ON status, currency FROM ledger.transactions;

-- Partitions that are there get them too, and the settings with which new ones are made. What somebody has set stays as it is.
DO $$
DECLARE
  partition record;
  settings text;
BEGIN
  FOR partition IN
    SELECT n.nspname, c.relname, c.reloptions, i.inhparent = 'ledger.transactions'::regclass AS is_transactions
    FROM pg_catalog.pg_inherits AS i
    JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid AND c.relkind = 'r'
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE i.inhparent IN ('ledger.transactions'::regclass, 'ledger.entries'::regclass) AND NOT i.inhdetachpending
      AND pg_catalog.pg_has_role(c.relowner, 'USAGE')
    ORDER BY c.oid
  LOOP
    SELECT string_agg(name || ' = ' || value, ', ') INTO settings
    FROM (VALUES ('autovacuum_vacuum_insert_scale_factor', '0.05'), ('autovacuum_vacuum_insert_threshold', '10000'),
                 ('autovacuum_freeze_min_age', '0'), ('autovacuum_analyze_scale_factor', '0.02')) AS wanted (name, value)
    WHERE NOT EXISTS (SELECT FROM unnest(partition.reloptions) AS o WHERE split_part(o, '=', 1) = wanted.name);
    IF settings IS NOT NULL THEN
      EXECUTE format('ALTER TABLE %I.%I SET (%s)', partition.nspname, partition.relname, settings);
    END IF;
    IF partition.is_transactions THEN
      EXECUTE format('CREATE STATISTICS %I.%I (mcv) ON status, currency FROM %I.%I',
        partition.nspname, partition.relname || '_status_currency_stat', partition.nspname, partition.relname);
    END IF;
  END LOOP;
END
$$;

SET LOCAL lock_timeout = '1s';
-- When the tables of a quarter that takes no rows any more were vacuumed and frozen, so that no wraparound comes to them. Last, for
-- until the transaction ends nobody else reads the quarters, and what comes before may take minutes.
ALTER TABLE quartermaster.quarters ADD COLUMN frozen_at timestamptz;
