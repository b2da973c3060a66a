import { sql } from 'kysely';
import { AppError } from '../core/errors.ts';
import { definerName, roleNames, schemaRights } from './grants.ts';
import type { Db } from './schema.ts';

/**
 * Code that others run without knowing when they use our tables: functions, operators and types that belong to somebody who may do less
 * than the owner, and that a trigger, a rule, a policy, a default, a check, an index or a view of our schemas calls; and functions that
 * stand in our schemas themselves, where they would be taken for ours. The worker owns tables and can put such things there. Nothing
 * where one role keeps the ledger: there whoever could do it is that role.
 */
export async function findForeignCode(db: Db): Promise<string[]> {
  const schemas = Object.keys(schemaRights);
  const { rows } = await sql<{ what: string }>`
    WITH trusted AS (
      SELECT r.oid FROM pg_catalog.pg_roles AS r
      WHERE r.rolsuper OR r.rolname = ${roleNames.owner}
         OR r.oid = (SELECT d.datdba FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
    ), foreign_code AS (
      SELECT 'pg_proc'::regclass AS class, p.oid, p.proowner AS owner FROM pg_catalog.pg_proc AS p
      UNION ALL
      SELECT 'pg_operator'::regclass, o.oid, o.oprowner FROM pg_catalog.pg_operator AS o
      UNION ALL
      SELECT 'pg_type'::regclass, t.oid, t.typowner FROM pg_catalog.pg_type AS t WHERE t.typtype IN ('d', 'r')
    )
    SELECT DISTINCT pg_describe_object(d.classid, d.objid, 0) || ' calls ' || pg_describe_object(c.class, c.oid, 0)
                    || ' of ' || pg_get_userbyid(c.owner) AS what
    FROM foreign_code AS c
    JOIN pg_catalog.pg_depend AS d ON d.refclassid = c.class AND d.refobjid = c.oid
     AND d.classid IN ('pg_trigger'::regclass, 'pg_rewrite'::regclass, 'pg_policy'::regclass, 'pg_constraint'::regclass,
                       'pg_attrdef'::regclass, 'pg_class'::regclass)
    CROSS JOIN LATERAL pg_identify_object_as_address(d.classid, d.objid, 0) AS a
    WHERE c.owner NOT IN (SELECT oid FROM trusted) AND a.object_names[1] = ANY (${schemas}::text[])
      AND EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'ledger' AND pg_get_userbyid(nspowner) = ${roleNames.owner})
    UNION
    SELECT pg_describe_object('pg_proc'::regclass, p.oid, 0) || ' belongs to ' || pg_get_userbyid(p.proowner)
    FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.nspname = ANY (${schemas}::text[]) AND p.proowner NOT IN (SELECT oid FROM trusted)
      AND NOT (p.prosecdef AND pg_get_userbyid(p.proowner) = ${definerName})
      AND EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'ledger' AND pg_get_userbyid(nspowner) = ${roleNames.owner})
    ORDER BY 1`.execute(db);
  return rows.map(({ what }) => what);
}

/**
 * Asked before the owner changes anything: it would run such code with its rights, and be who has planted it.
 *
 * @throws AppError config/foreign_code
 */
export async function requireNoForeignCode(db: Db): Promise<void> {
  const found = await findForeignCode(db);
  if (found.length > 0) throw new AppError('config', 'foreign_code', foreignCodeDetail(found));
}

export function foreignCodeDetail(found: readonly string[]): string {
  const more = found.length > 3 ? `; and ${found.length - 3} more` : '';
  return `Whoever uses the tables runs code that is not ours, with their own rights: ${found.slice(0, 3).join('; ')}${more}. Find out who made it, and drop it as a superuser. What is meant to be there has to belong to a superuser or to the owner of the database.`;
}
