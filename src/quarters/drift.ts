import { sql } from 'kysely';
import type { Drift } from '../core/plan-drift.ts';
import { quarterTables } from '../core/tables.ts';
import { BOUNDS_CONSTRAINT } from '../db/catalog.ts';
import type { Db } from '../db/schema.ts';
import { CLOSED_CONSTRAINT } from '../db/sqlstate.ts';

/** In what a partition should be like its table, and what to do where it is not. */
const aspects = {
  columns: 'Alter the partition; a quarter with other columns cannot be archived.',
  checks: 'Drop what was added, or add it to the table, whose partitions then all get it.',
  indexes: 'Create the index CONCURRENTLY on the partition and attach it (ALTER INDEX … ATTACH PARTITION).',
  grants: 'Grant or revoke on the partition, so that nobody may do there what the table forbids.',
  owner: 'Change it (ALTER TABLE … OWNER TO).',
  storage: 'Change it back (ALTER TABLE … SET LOGGED, ALTER TABLE … RESET) unless it is meant.',
} as const;

type Aspect = keyof typeof aspects;

/** A table or a partition, each aspect as a set of words. */
type Structure = { readonly relation: string; readonly parent: string | null } & {
  readonly [K in Aspect]: readonly string[];
};

/**
 * Compares every attached partition with its table in all that LIKE, the grants and ATTACH once made alike: somebody
 * may have changed one of them since.
 */
export async function structureDrift(db: Db): Promise<Drift[]> {
  const structures = await readStructures(db);
  const parents = new Map(structures.map((one) => [one.relation, one]));
  return structures.flatMap((partition) => {
    const parent = parents.get(partition.parent ?? '');
    return parent === undefined ? [] : compareStructure(parent, partition);
  });
}

function compareStructure(parent: Structure, partition: Structure): Drift[] {
  return (Object.keys(aspects) as Aspect[]).flatMap((aspect) => {
    const lacks = parent[aspect].filter((fact) => !partition[aspect].includes(fact));
    const has = partition[aspect].filter((fact) => !parent[aspect].includes(fact));
    if (lacks.length === 0 && has.length === 0) return [];
    const difference = [
      ...(lacks.length > 0 ? [`lacks ${lacks.join(', ')}`] : []),
      ...(has.length > 0 ? [`has ${has.join(', ')}`] : []),
    ];
    const detail = `${partition.relation} differs from ${parent.relation} in its ${aspect}: it ${difference.join(' and ')}. ${aspects[aspect]}`;
    return [{ code: `${aspect}_differ`, relation: partition.relation, detail }];
  });
}

/** The tables and their attached partitions. The two constraints of a quarter's own life are left out. */
async function readStructures(db: Db): Promise<Structure[]> {
  const { rows } = await sql<Structure>`
    WITH parent AS (
      SELECT c.oid, n.nspname || '.' || c.relname AS name
      FROM unnest(${quarterTables.map((table) => table.schema)}::text[],
                  ${quarterTables.map((table) => table.name)}::text[]) AS t (schema, name)
      JOIN pg_catalog.pg_namespace AS n ON n.nspname = t.schema
      JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = t.name
    ), member AS (
      SELECT oid, oid AS parent, NULL AS "parentName" FROM parent
      UNION ALL
      SELECT i.inhrelid, parent.oid, parent.name
      FROM parent JOIN pg_catalog.pg_inherits AS i ON i.inhparent = parent.oid AND NOT i.inhdetachpending
    )
    SELECT n.nspname || '.' || c.relname AS relation, m."parentName" AS parent,
           ARRAY(SELECT a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
                        || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
                 FROM pg_catalog.pg_attribute AS a
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
           ARRAY(SELECT pg_get_constraintdef(o.oid) FROM pg_catalog.pg_constraint AS o
                 WHERE o.conrelid = c.oid AND o.contype = 'c'
                   AND o.conname NOT IN (${CLOSED_CONSTRAINT}, ${BOUNDS_CONSTRAINT})) AS checks,
           ARRAY(SELECT x.relname::text
                 FROM pg_catalog.pg_index AS px
                 JOIN pg_catalog.pg_class AS x ON x.oid = px.indexrelid
                 WHERE px.indrelid = m.parent AND (c.oid = m.parent OR EXISTS (
                   SELECT FROM pg_catalog.pg_inherits AS h
                   JOIN pg_catalog.pg_index AS cx ON cx.indexrelid = h.inhrelid
                   WHERE h.inhparent = px.indexrelid AND cx.indrelid = c.oid AND cx.indisvalid))) AS indexes,
           ARRAY(SELECT acl.privilege_type || ' for '
                        || CASE WHEN acl.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(acl.grantee)::text END
                        || CASE WHEN acl.is_grantable THEN ' to pass on' ELSE '' END
                 FROM aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS acl) AS grants,
           ARRAY[pg_get_userbyid(c.relowner)::text] AS owner,
           coalesce(c.reloptions, '{}')
             || CASE c.relpersistence WHEN 'u' THEN ARRAY['UNLOGGED'] ELSE '{}' END
             || CASE WHEN c.oid = m.parent OR c.relkind = 'r' THEN '{}' ELSE ARRAY['no plain table'] END AS storage
    FROM member AS m
    JOIN pg_catalog.pg_class AS c ON c.oid = m.oid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    ORDER BY relation`.execute(db);
  return rows;
}
