import { sql } from 'kysely';
import { definerName, roleNames } from './grants.ts';
import type { Db } from './schema.ts';

/** A role of sql/roles.sql that is not as the script makes it. */
export interface OddRole {
  readonly role: string;
  readonly what: string;
}

/** None where one role keeps the ledger alone. */
export async function readOddRoles(db: Db): Promise<OddRole[]> {
  const names = [...Object.values(roleNames), definerName];
  const { rows } = await sql<OddRole>`
    WITH divided AS (
      SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'ledger' AND pg_get_userbyid(nspowner) = ${roleNames.owner}
    ), ours AS (
      SELECT r.oid, r.rolname, r.rolsuper, r.rolcreatedb, r.rolcreaterole, r.rolreplication, r.rolbypassrls, r.rolcanlogin
      FROM pg_catalog.pg_roles AS r WHERE r.rolname = ANY (${names}::text[]) AND EXISTS (SELECT FROM divided)
    )
    SELECT o.rolname AS role, w.what FROM ours AS o CROSS JOIN LATERAL (VALUES
      (o.rolsuper, 'is a superuser'), (o.rolcreatedb, 'may create databases'), (o.rolcreaterole, 'may create roles'),
      (o.rolreplication, 'may replicate'), (o.rolbypassrls, 'passes row security by'),
      (o.rolcanlogin AND o.rolname = ${definerName}, 'may log in'),
      (NOT o.rolcanlogin AND o.rolname <> ${definerName}, 'may not log in'),
      (o.rolname <> ${definerName} AND NOT EXISTS (
         SELECT FROM pg_catalog.pg_db_role_setting AS s
         WHERE s.setrole = o.oid AND 'search_path=pg_catalog, pg_temp' = ANY (s.setconfig)), 'has no fixed search_path')
    ) AS w (wrong, what) WHERE w.wrong
    UNION ALL
    SELECT m.rolname, 'is a member of ' || o.rolname
    FROM ours AS o JOIN pg_catalog.pg_auth_members AS a ON a.roleid = o.oid JOIN pg_catalog.pg_roles AS m ON m.oid = a.member
    WHERE o.rolname = ${roleNames.owner} AND m.rolname = ANY (${names}::text[])
    ORDER BY 1, 2`.execute(db);
  return rows;
}

/** Schemas in which everybody may make things: of ours, and `public`. */
export async function readOpenSchemas(db: Db): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    SELECT n.nspname AS name FROM pg_catalog.pg_namespace AS n CROSS JOIN LATERAL aclexplode(n.nspacl) AS a
    WHERE n.nspname IN ('public', 'ledger', 'quartermaster', 'reports', 'pgboss')
      AND a.grantee = 0 AND a.privilege_type = 'CREATE' ORDER BY 1`.execute(db);
  return rows.map(({ name }) => name);
}

/** What was put on our tables that is none of ours: row security, triggers, rules, and rights that new tables are given. */
export async function readAdditions(db: Db): Promise<string[]> {
  const { rows } = await sql<{ what: string }>`
    WITH ours AS (
      SELECT c.oid, n.nspname || '.' || c.relname AS name, c.relrowsecurity, c.relforcerowsecurity
      FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      WHERE n.nspname IN ('ledger', 'quartermaster') AND c.relkind IN ('r', 'p')
    )
    SELECT 'row security on ' || name AS what FROM ours WHERE relrowsecurity OR relforcerowsecurity
    UNION ALL
    SELECT 'trigger ' || t.tgname || ' on ' || o.name FROM ours AS o
    JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = o.oid AND NOT t.tgisinternal AND t.tgparentid = 0
    UNION ALL
    SELECT 'rule ' || r.rulename || ' on ' || o.name FROM ours AS o JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = o.oid
    UNION ALL
    SELECT 'default privileges of ' || pg_get_userbyid(d.defaclrole) || ' give '
           || CASE a.grantee WHEN 0 THEN 'everybody' ELSE pg_get_userbyid(a.grantee) END || ' ' || a.privilege_type
           || ' on new tables' || coalesce(' of ' || n.nspname, '')
    FROM pg_catalog.pg_default_acl AS d CROSS JOIN LATERAL aclexplode(d.defaclacl) AS a
    LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = d.defaclnamespace
    WHERE d.defaclobjtype = 'r' AND a.grantee <> d.defaclrole AND a.privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER')
      AND (n.nspname IS NULL OR n.nspname IN ('ledger', 'quartermaster'))
    ORDER BY 1`.execute(db);
  return rows.map(({ what }) => what);
}

/** What this role may do of what a process has to. */
export interface ProcessRights {
  readonly role: string;
  /** It owns the tables and may make others beside them. */
  readonly defines: boolean;
  readonly posts: boolean;
  readonly temporary: boolean;
}

export async function readProcessRights(db: Db): Promise<ProcessRights> {
  const { rows } = await sql<ProcessRights>`
    SELECT current_user::text AS role,
           coalesce((SELECT pg_has_role(c.relowner, 'USAGE') AND has_schema_privilege(c.relnamespace, 'CREATE')
                     FROM pg_catalog.pg_class AS c WHERE c.oid = to_regclass('ledger.transactions')), false) AS defines,
           coalesce(has_table_privilege(to_regclass('ledger.transactions'), 'INSERT')
             AND has_table_privilege(to_regclass('ledger.entries'), 'INSERT'), false) AS posts,
           has_database_privilege(current_database(), 'TEMPORARY') AS temporary`.execute(db);
  return rows[0] as ProcessRights;
}
