import { sql } from 'kysely';
import { AppError } from '../core/errors.ts';
import { quarterTables } from '../core/tables.ts';
import {
  definerName,
  functionRights,
  maintained,
  type Rights,
  roleNames,
  schemaRights,
  type TableRights,
  tableRights,
} from './grants.ts';
import { identifier } from './identifier.ts';
import { type ShortLockOptions, withShortLock } from './locks.ts';
import type { Db, Trx } from './schema.ts';
import { toAppError } from './sqlstate.ts';

export interface GrantReport {
  /** False where one role keeps the ledger alone: then there is nothing to hand out. */
  readonly divided: boolean;
  /** The statements that were run, or would be. */
  readonly did: readonly string[];
}

/** A statement, and the relation it locks so that nobody may use it meanwhile. */
interface Step {
  readonly text: string;
  readonly locks?: readonly [string, string];
}

/** A table, schema or function as the catalog has it. */
interface Found {
  readonly what: 'table' | 'schema' | 'function';
  readonly schema: string;
  readonly name: string;
  /** As it is named in a GRANT. */
  readonly target: string;
  readonly isView: boolean;
  readonly owner: string;
  /** Of a function: it runs with the rights of its owner. */
  readonly isDefiner: boolean;
  readonly rights: readonly { readonly role: string; readonly right: string }[];
}

const grantees = ['worker', 'api', 'reader', 'definer'] as const;
const allNames = { ...roleNames, definer: definerName };

/**
 * What differs between the list and the database, as the statements that mend it; nothing where it is as it should be.
 *
 * @throws AppError config/roles_missing
 */
export async function plannedGrants(db: Db): Promise<GrantReport> {
  const { divided, steps } = await plan(db);
  return { divided, did: steps.map(({ text }) => text) };
}

/**
 * Gives each role what the list says, and takes away what it does not say; what other roles were given stays. Run again it changes
 * nothing. Tables change hands one by one, each under a short lock.
 *
 * @param db the direct connection of the owner
 * @throws AppError config/roles_missing, config/insufficient_privilege, busy/lock_timeout
 */
export async function applyGrants(
  db: Db,
  options: Pick<ShortLockOptions, 'signal' | 'onBlocked'> = {},
): Promise<GrantReport> {
  const { divided, steps } = await plan(db);
  const moves = steps.filter(({ locks }) => locks !== undefined);
  for (const { text, locks } of moves) {
    const move = async (trx: Trx) => {
      await oneAtATime(trx);
      await sql.raw(text).execute(trx);
    };
    await withShortLock(db, move, { ...options, relations: locks === undefined ? [] : [locks] });
  }
  if (steps.length === 0) return { divided, did: [] };
  try {
    return await db.transaction().execute(async (trx) => {
      await oneAtATime(trx);
      // Who owns a table now is who gives rights on it, so what differs is looked up once more.
      const { steps: grants } = await plan(trx);
      const texts = grants.map(({ text }) => text);
      if (texts.length > 0) await sql.raw(texts.join(';\n')).execute(trx);
      return { divided, did: [...moves.map(({ text }) => text), ...texts] };
    });
  } catch (error) {
    throw toAppError(error);
  }
}

/** Two at once would write the same rows of the catalog, which PostgreSQL refuses. Ends with the transaction. */
async function oneAtATime(trx: Trx): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended('quartermaster grants', 0))`.execute(trx);
}

async function plan(db: Db): Promise<{ divided: boolean; steps: Step[] }> {
  const { rows } = await sql<{ divided: boolean; version: number; missing: string[] }>`
    SELECT coalesce(bool_or(pg_get_userbyid(n.nspowner) = ${roleNames.owner}), false) AS divided,
           current_setting('server_version_num')::int AS version,
           ARRAY(SELECT r FROM unnest(${Object.values(allNames)}::text[]) AS r
                 WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = r)) AS missing
    FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'ledger'`.execute(db);
  const [facts] = rows;
  if (!facts?.divided) return { divided: false, steps: [] };
  if (facts.missing.length > 0) {
    const detail = `The schema ledger belongs to ${roleNames.owner}, and there is no role ${facts.missing.join(', ')}. Have an administrator run sql/roles.sql in this database.`;
    throw new AppError('config', 'roles_missing', detail);
  }
  const found = await readRights(db);
  return { divided: true, steps: found.flatMap((one) => stepsFor(one, facts.version)) };
}

function stepsFor(found: Found, version: number): Step[] {
  const wanted = wantedFor(found);
  if (wanted === undefined) return [];
  const own = found.isDefiner ? definerName : wanted.kept ? roleNames.worker : roleNames.owner;
  const moves = (found.what === 'table' || found.isDefiner) && found.owner !== own;
  return [
    // A function has no lock that anybody waits for, and is moved with the grants.
    ...(moves
      ? [
          {
            text: moveSql(found, own),
            ...(found.what === 'table' && { locks: [found.schema, found.name] as const }),
          },
        ]
      : []),
    ...grantees.flatMap((key) => {
      const role = allNames[key];
      const maintain = key === 'worker' && version >= 170_000 && isMaintained(found);
      // An owner has its rights by owning, and gave some of them up.
      const rights: Rights = role === own ? [] : [...(wanted[key] ?? []), ...(maintain ? ['MAINTAIN'] : [])];
      const has = found.rights.filter((one) => one.role === role).map(({ right }) => right);
      const surplus =
        role === own || role === found.owner ? [] : has.filter((right) => !rights.includes(right));
      const lacks = rights.filter((right) => !has.includes(right));
      return [
        ...surplus.map((right) => ({ text: `REVOKE ${right} ON ${found.target} FROM ${identifier(role)}` })),
        ...lacks.map((right) => ({ text: `GRANT ${right} ON ${found.target} TO ${identifier(role)}` })),
      ];
    }),
  ];
}

/** The new owner must be allowed to make tables in the schema, for as long as that takes. */
function moveSql({ schema, target }: Found, own: string): string {
  const [role, name] = [identifier(own), identifier(schema)];
  const move = `ALTER ${target} OWNER TO ${role}`;
  const may =
    own === roleNames.owner || (own === roleNames.worker && schemaRights[schema]?.worker?.includes('CREATE'));
  // Where it may for good it may not yet, the first time.
  return `GRANT CREATE ON SCHEMA ${name} TO ${role}; ${move}${may ? '' : `; REVOKE CREATE ON SCHEMA ${name} FROM ${role}`}`;
}

function isMaintained({ what, schema, isView }: Found): boolean {
  return what === 'table' && schema === maintained && !isView;
}

function wantedFor({ what, schema, name }: Found): TableRights | undefined {
  if (what === 'schema') return schemaRights[schema];
  if (what === 'function') return functionRights[schema];
  const parent = quarterTables.find(
    (table) => table.schema === schema && new RegExp(`^${table.name}_\\d{4}q[1-4]$`).test(name),
  );
  // pg-boss keeps its counts in partitions by day.
  return tableRights[`${schema}.${parent?.name ?? name.replace(/^queue_stats_\d{8}$/, 'queue_stats')}`];
}

async function readRights(db: Db): Promise<Found[]> {
  const roles = Object.values(allNames);
  const { rows } = await sql<Found>`
    WITH wanted AS (
      SELECT oid, rolname::text AS role FROM pg_catalog.pg_roles WHERE rolname = ANY (${roles}::text[])
    ), schemas AS (
      SELECT n.oid, n.nspname::text AS schema, n.nspowner, n.nspacl
      FROM pg_catalog.pg_namespace AS n WHERE n.nspname = ANY (${Object.keys(schemaRights)}::text[])
    )
    SELECT 'schema' AS what, s.schema, '' AS name, 'SCHEMA ' || quote_ident(s.schema) AS target, false AS "isView",
           pg_get_userbyid(s.nspowner)::text AS owner, false AS "isDefiner",
           (SELECT coalesce(json_agg(json_build_object('role', w.role, 'right', a.privilege_type)), '[]')
            FROM aclexplode(s.nspacl) AS a JOIN wanted AS w ON w.oid = a.grantee) AS rights
    FROM schemas AS s
    UNION ALL
    SELECT 'table', s.schema, c.relname, 'TABLE ' || quote_ident(s.schema) || '.' || quote_ident(c.relname), c.relkind IN ('v', 'm'),
           pg_get_userbyid(c.relowner), false,
           (SELECT coalesce(json_agg(json_build_object('role', w.role, 'right', a.right)), '[]')
            FROM (SELECT t.grantee, t.privilege_type AS right FROM aclexplode(c.relacl) AS t
                  UNION ALL
                  SELECT l.grantee, l.privilege_type || ' (' || quote_ident(o.attname) || ')'
                  FROM pg_catalog.pg_attribute AS o CROSS JOIN aclexplode(o.attacl) AS l
                  WHERE o.attrelid = c.oid AND NOT o.attisdropped) AS a
            JOIN wanted AS w ON w.oid = a.grantee)
    FROM schemas AS s JOIN pg_catalog.pg_class AS c ON c.relnamespace = s.oid AND c.relkind IN ('r', 'p', 'v', 'm')
    UNION ALL
    SELECT 'function', s.schema, p.proname, 'FUNCTION ' || p.oid::regprocedure::text, false, pg_get_userbyid(p.proowner), p.prosecdef,
           (SELECT coalesce(json_agg(json_build_object('role', w.role, 'right', a.privilege_type)), '[]')
            FROM aclexplode(p.proacl) AS a JOIN wanted AS w ON w.oid = a.grantee)
    FROM schemas AS s JOIN pg_catalog.pg_proc AS p ON p.pronamespace = s.oid
    ORDER BY 1, 2, 3, 4`.execute(db);
  return rows;
}
