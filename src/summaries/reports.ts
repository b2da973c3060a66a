import { sql } from 'kysely';
import { AppError } from '../core/errors.ts';
import { identifier } from '../db/identifier.ts';
import type { Db } from '../db/schema.ts';
import { toAppError } from '../db/sqlstate.ts';

export interface ReportView {
  /** Qualified, as reports.monthly. */
  readonly name: string;
  readonly description: string;
  /** False: it shows what was true when it was last refreshed. */
  readonly exact: boolean;
  /** When that was, and how many seconds ago; null of one that is exact, and of one that was never refreshed. */
  readonly refreshedAt: Date | null;
  readonly age: number | null;
}

export interface ReportsListing {
  readonly views: readonly ReportView[];
  /** Roles that were given access, the owner left out. */
  readonly readers: readonly string[];
  /** Days that are not summed up yet; the views count their rows. */
  readonly daysOutstanding: bigint;
}

/** What became of a role's access. */
export interface AccessReport {
  readonly role: string;
  readonly views: readonly string[];
  /** False: PostgreSQL lets the role not into this database, which is another's to grant. */
  readonly canConnect: boolean;
  /** True where the role can read the views now, by whatever right: its own, PUBLIC's, a group's, a superuser's. */
  readonly canRead: boolean;
}

/** The views for finance and BI. @throws AppError config/not_migrated */
export async function listReports(db: Db): Promise<ReportsListing> {
  try {
    const { rows: views } = await sql<ReportView>`
      SELECT 'reports.' || c.relname AS name, coalesce(obj_description(c.oid, 'pg_class'), '') AS description,
             c.relkind <> 'm' AS exact, f.refreshed_at AS "refreshedAt", extract(epoch FROM f.age)::float8 AS age
      FROM pg_catalog.pg_class AS c
      LEFT JOIN reports.freshness AS f ON f.name = c.relname
      WHERE c.relnamespace = 'reports'::regnamespace AND c.relkind IN ('v', 'm')
      ORDER BY c.relname`.execute(db);
    const { rows: readers } = await sql<{ role: string }>`
      SELECT r.rolname AS role
      FROM pg_catalog.pg_namespace AS n CROSS JOIN aclexplode(n.nspacl) AS a JOIN pg_catalog.pg_roles AS r ON r.oid = a.grantee
      WHERE n.nspname = 'reports' AND a.privilege_type = 'USAGE' AND a.grantee <> n.nspowner
      ORDER BY r.rolname`.execute(db);
    const { rows } = await sql<{ days: bigint }>`
      SELECT days_outstanding AS days FROM reports.freshness WHERE days_outstanding IS NOT NULL`.execute(db);
    return { views, readers: readers.map(({ role }) => role), daysOutstanding: rows[0]?.days ?? 0n };
  } catch (error) {
    throw toAppError(error);
  }
}

/**
 * Lets a role read all views, those of later versions too, and nothing else. May run again.
 *
 * @throws AppError not_found/no_such_role, config/insufficient_privilege, config/not_migrated
 */
export async function grantReports(db: Db, role: string): Promise<AccessReport> {
  return changeAccess(db, role, 'GRANT', 'TO');
}

/**
 * Takes that back. May run again.
 *
 * @throws AppError not_found/no_such_role, invalid/role_owns_reports, config/insufficient_privilege, config/not_migrated
 */
export async function revokeReports(db: Db, role: string): Promise<AccessReport> {
  return changeAccess(db, role, 'REVOKE', 'FROM');
}

async function changeAccess(
  db: Db,
  role: string,
  verb: 'GRANT' | 'REVOKE',
  preposition: 'TO' | 'FROM',
): Promise<AccessReport> {
  try {
    return await db.transaction().execute(async (trx) => {
      // Two at once would write the same rows of the catalog, which PostgreSQL refuses.
      await sql`SELECT pg_advisory_xact_lock(hashtextextended('quartermaster reports', 0))`.execute(trx);
      const owner = await requireRole(trx, role);
      if (owner && verb === 'REVOKE') {
        const detail = `${role} owns the views, and reads them to keep them up to date. Nothing was revoked.`;
        throw new AppError('invalid', 'role_owns_reports', detail);
      }
      const who = sql.raw(`${preposition} ${identifier(role)}`);
      const what = sql.raw(verb);
      await sql`${what} USAGE ON SCHEMA reports ${who}`.execute(trx);
      await sql`${what} SELECT ON ALL TABLES IN SCHEMA reports ${who}`.execute(trx);
      await sql`${what} EXECUTE ON ALL FUNCTIONS IN SCHEMA reports ${who}`.execute(trx);
      // What a later version adds, for it is made by the same role.
      await sql`ALTER DEFAULT PRIVILEGES IN SCHEMA reports ${what} SELECT ON TABLES ${who}`.execute(trx);
      await sql`ALTER DEFAULT PRIVILEGES IN SCHEMA reports ${what} EXECUTE ON FUNCTIONS ${who}`.execute(trx);
      const report = await readAccess(trx, role);
      if (report.canRead || verb === 'REVOKE') return report;
      // Who may not grant gets no error, only a warning, where it has some right itself.
      const detail = `${role} cannot read the views: the role of QM_DIRECT_DATABASE_URL must own the schema reports to grant that.`;
      throw new AppError('config', 'insufficient_privilege', detail);
    });
  } catch (error) {
    throw toAppError(error);
  }
}

/** Whether the role owns the views. */
async function requireRole(db: Db, role: string): Promise<boolean> {
  const { rows } = await sql<{ owner: boolean }>`
    SELECT r.oid = n.nspowner AS owner
    FROM pg_catalog.pg_roles AS r JOIN pg_catalog.pg_namespace AS n ON n.oid = 'reports'::regnamespace
    WHERE r.rolname = ${role}`.execute(db);
  if (rows[0] !== undefined) return rows[0].owner;
  const detail = `There is no role ${role}. Make it first, as in: CREATE ROLE finance LOGIN PASSWORD '…'. Upper and lower case count.`;
  throw new AppError('not_found', 'no_such_role', detail);
}

async function readAccess(db: Db, role: string): Promise<AccessReport> {
  const { rows } = await sql<AccessReport>`
    SELECT ${role} AS role, array_agg('reports.' || c.relname ORDER BY c.relname) AS views,
           has_database_privilege(${role}, current_database(), 'CONNECT') AS "canConnect",
           has_schema_privilege(${role}, 'reports', 'USAGE') AND bool_and(has_table_privilege(${role}, c.oid, 'SELECT')) AS "canRead"
    FROM pg_catalog.pg_class AS c
    WHERE c.relnamespace = 'reports'::regnamespace AND c.relkind IN ('v', 'm')`.execute(db);
  return rows[0] as AccessReport;
}
