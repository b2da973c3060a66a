import { sql } from 'kysely';
import { AppError } from '../core/errors.ts';
import type { Db } from './schema.ts';

/**
 * Whether this role can migrate at all. Without the right the first statement that needs it fails, and what is told then is what the
 * migrator does next in a transaction that is lost already.
 *
 * @throws AppError config/insufficient_privilege
 */
export async function requireMigrationRights(db: Db): Promise<void> {
  const { rows } = await sql<{ role: string; database: string; owner: string | null; may: boolean }>`
    SELECT current_user::text AS role, current_database()::text AS database, pg_get_userbyid(n.nspowner)::text AS owner,
           CASE WHEN n.oid IS NULL THEN has_database_privilege(current_database(), 'CREATE')
                ELSE pg_has_role(n.nspowner, 'USAGE') END AS may
    FROM (VALUES ('quartermaster')) AS s (name)
    LEFT JOIN pg_catalog.pg_namespace AS n ON n.nspname = s.name`.execute(db);
  const [found] = rows;
  if (found === undefined || found.may) return;
  const { role, database, owner } = found;
  const detail =
    owner === null
      ? `${role} may make no schemas in ${database}. Have an administrator run sql/roles.sql there, or grant it CREATE on the database.`
      : `The schemas belong to ${owner}, and ${role} is not a member of that role. Migrate as ${owner}; or to hand them over, run sql/roles.sql with quartermaster.former_owner=${owner}.`;
  throw new AppError('config', 'insufficient_privilege', detail);
}
