-- The four roles that Quartermaster's processes log in as, each with no more than it needs, and one that nobody logs in as. An
-- administrator runs this once in each database, before the first `quartermaster migrate up`, and may run it again:
--
--   psql "postgres://admin@db.example.com/ledger" -v ON_ERROR_STOP=1 -f sql/roles.sql
--
-- It gives nobody a password. Set one for each role that logs in by one, where nobody writes it down (`\password quartermaster_api`),
-- or let them log in by certificate or by the cloud's own means. docs/roles.md says what each may do and which process takes which.
--
-- A ledger that is there already, kept by one role, is taken over by naming that role. Its tables are locked for a moment:
--
--   PGOPTIONS="-c quartermaster.former_owner=quartermaster" psql … -f sql/roles.sql
--   quartermaster migrate up        as quartermaster_owner, which hands out the tables and the grants
--
-- Who runs it is a superuser, or may create roles and owns the database; for a takeover it is a member of the former owner as well.
-- The names are fixed, and roles belong to the whole server: several ledgers on one server share them.

DO $$
DECLARE
  role pg_catalog.text;
  thing pg_catalog.record;
  joined pg_catalog.text[];
  former pg_catalog.text;
  ours constant pg_catalog.text := pg_catalog.current_database();
  safe_path constant pg_catalog.text := 'pg_catalog, pg_temp';
BEGIN
  -- Before anything else: who may make schemas in this database may put functions and operators of its own where the administrator's
  -- search_path finds them, and they would run with the administrator's rights.
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  former := nullif(current_setting('quartermaster.former_owner', true), '');
  joined := '{}';

  FOREACH role IN ARRAY ARRAY['quartermaster_owner', 'quartermaster_worker', 'quartermaster_api', 'quartermaster_reader'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
      EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', role);
    END IF;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', ours, role);
    -- For the same reason as above, in every session of theirs. (Where it is so already nothing is written, for two databases may be set up at once.)
    IF NOT EXISTS (SELECT FROM pg_db_role_setting AS s JOIN pg_roles AS r ON r.oid = s.setrole
                   WHERE r.rolname = role AND s.setdatabase = 0 AND 'search_path=' || safe_path = ANY (s.setconfig)) THEN
      EXECUTE format('ALTER ROLE %I SET search_path = pg_catalog, pg_temp', role);
    END IF;
  END LOOP;

  -- Nobody logs in as this one. The functions that readers call run with its rights, which are to read what they need: they read tables
  -- that the worker owns, and might change for something that runs code.
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'quartermaster_definer') THEN
    CREATE ROLE quartermaster_definer NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
  END IF;

  -- Migrations change the tables that the worker owns, and the functions. Nobody is a member of the owner.
  FOREACH role IN ARRAY ARRAY['quartermaster_worker', 'quartermaster_definer'] LOOP
    IF NOT pg_has_role('quartermaster_owner', role, 'MEMBER') THEN
      EXECUTE format('GRANT %I TO quartermaster_owner', role);
    END IF;
  END LOOP;

  -- The owner makes the schemas. The worker makes one when a quarter is restored beside the ledger (`--into`), and temporary tables
  -- while it closes a quarter and sums up days.
  EXECUTE format('GRANT CREATE, TEMPORARY ON DATABASE %I TO quartermaster_owner', ours);
  EXECUTE format('GRANT CREATE, TEMPORARY ON DATABASE %I TO quartermaster_worker', ours);

  -- Who may not grant that is only warned by PostgreSQL, and nothing is granted.
  IF NOT has_database_privilege('quartermaster_owner', ours, 'CREATE') OR NOT has_database_privilege('quartermaster_owner', ours, 'CONNECT')
     OR NOT has_database_privilege('quartermaster_worker', ours, 'CREATE') THEN
    RAISE insufficient_privilege USING
      MESSAGE = format('%s may not grant rights on the database %s, so the roles have none there.', current_user, ours),
      HINT = format('Run this as a superuser, or as %s, who owns the database; or first, as that one: ALTER DATABASE %I OWNER TO %I.',
                    (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = ours), ours, current_user);
  END IF;

  -- A database that comes from a PostgreSQL before 15 lets everybody make things in public.
  IF EXISTS (SELECT FROM pg_namespace AS n CROSS JOIN aclexplode(n.nspacl) AS a
             WHERE n.nspname = 'public' AND a.grantee = 0 AND a.privilege_type = 'CREATE') THEN
    IF (SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = 'public') THEN
      REVOKE CREATE ON SCHEMA public FROM PUBLIC;
    ELSE
      RAISE WARNING 'Everybody may make things in the schema public. Have its owner run: REVOKE CREATE ON SCHEMA public FROM PUBLIC.';
    END IF;
  END IF;

  -- Who gives a table to a role must be a member of it, for as long as that takes.
  FOREACH role IN ARRAY ARRAY['quartermaster_owner', 'quartermaster_worker'] LOOP
    IF former IS NOT NULL AND NOT pg_catalog.pg_has_role(role, 'USAGE') THEN
      EXECUTE format('GRANT %I TO %I', role, current_user);
      joined := joined || role;
    END IF;
  END LOOP;

  -- Of the takeover: only what lies in our schemas of this database. (REASSIGN OWNED would take the role's other databases along.)
  -- Copies of quarters beside the ledger go to the worker, who drops them in the end.
  FOR thing IN
    WITH schemas AS (
      SELECT n.oid, n.nspname, n.nspowner,
             CASE WHEN n.nspname IN ('ledger', 'quartermaster', 'reports', 'pgboss') THEN 'quartermaster_owner'
                  ELSE 'quartermaster_worker' END AS heir
      FROM pg_catalog.pg_namespace AS n
      WHERE n.nspname IN ('ledger', 'quartermaster', 'reports', 'pgboss')
         OR pg_catalog.obj_description(n.oid, 'pg_namespace') = 'Made by Quartermaster for copies of quarters.'
    ), things AS (
      SELECT format('SCHEMA %I', nspname) AS name, nspowner AS owner, heir FROM schemas
      UNION ALL
      SELECT format('TABLE %I.%I', s.nspname, c.relname), c.relowner, s.heir
      FROM schemas AS s JOIN pg_catalog.pg_class AS c ON c.relnamespace = s.oid AND c.relkind IN ('r', 'p', 'v', 'm')
      UNION ALL
      SELECT format('FUNCTION %s', p.oid::regprocedure), p.proowner, s.heir
      FROM schemas AS s JOIN pg_catalog.pg_proc AS p ON p.pronamespace = s.oid
      UNION ALL
      SELECT format('TYPE %I.%I', s.nspname, t.typname), t.typowner, s.heir
      FROM schemas AS s JOIN pg_catalog.pg_type AS t ON t.typnamespace = s.oid AND t.typtype = 'e'
      UNION ALL
      SELECT format('STATISTICS %I.%I', s.nspname, x.stxname), x.stxowner, s.heir
      FROM schemas AS s JOIN pg_catalog.pg_statistic_ext AS x ON x.stxnamespace = s.oid
    )
    SELECT name, heir FROM things
    WHERE owner = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = former)
    ORDER BY split_part(name, ' ', 1) = 'SCHEMA' DESC, name
  LOOP
    EXECUTE format('ALTER %s OWNER TO %I', thing.name, thing.heir);
  END LOOP;

  FOREACH role IN ARRAY joined LOOP
    EXECUTE format('REVOKE %I FROM %I', role, current_user);
  END LOOP;
END
$$;
