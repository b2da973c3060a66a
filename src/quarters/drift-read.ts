import { sql } from 'kysely';
import { quarterTables } from '../core/tables.ts';
import { BOUNDS_CONSTRAINT, FENCE_CONDITION } from '../db/catalog.ts';
import { INDEX_LOCK_HELD } from '../db/index-file-build.ts';
import type { Db } from '../db/schema.ts';

/** One thing that a table and its partitions should have alike. What `text` says is compared; the rest is for mending. */
export interface Fact {
  readonly text: string;
  /** Of the column, the option, the role or the parent's index. */
  readonly name?: string | null;
  readonly value?: string | null;
  readonly kind?: string | null;
}

/** In what a partition is compared with its table. */
export type Aspect = keyof typeof factsOf;

/** A table, or an attached partition of one. */
export interface Structure {
  readonly schema: string;
  readonly name: string;
  /** The partitioned table's name; null of the table itself. */
  readonly parent: string | null;
  /** A foreign table, or a partitioned one, is not ours to alter. */
  readonly plain: boolean;
  /** The instants it takes, as the catalog prints them in UTC; null of the table itself. */
  readonly bounds: string | null;
  /** null while another session keeps everybody out of it, for to ask would be to wait for that session. */
  readonly facts: Readonly<Record<Aspect, readonly Fact[]>> | null;
}

/** In one aspect: what the partition lacks of its table, and what it has besides. */
export interface Difference {
  readonly aspect: Aspect;
  readonly code: string;
  readonly parent: Structure;
  readonly partition: Structure;
  /** The quarter that the partition's name says; undefined when it was not made here. */
  readonly quarter: string | undefined;
  readonly lacks: readonly Fact[];
  readonly has: readonly Fact[];
}

/**
 * Settings of autovacuum that a partition may have of its own: the busiest one is cared for more often than a quiet
 * one, and a partitioned table can hold no such setting. That it is switched off is still a difference.
 */
const OWN_OPTIONS = [
  'autovacuum_analyze_scale_factor',
  'autovacuum_analyze_threshold',
  'autovacuum_freeze_max_age',
  'autovacuum_freeze_min_age',
  'autovacuum_freeze_table_age',
  'autovacuum_vacuum_cost_delay',
  'autovacuum_vacuum_cost_limit',
  'autovacuum_vacuum_insert_scale_factor',
  'autovacuum_vacuum_insert_threshold',
  'autovacuum_vacuum_max_threshold',
  'autovacuum_vacuum_scale_factor',
  'autovacuum_vacuum_threshold',
];

const STORED = `CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END`;
const COMPRESSED = `CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' ELSE 'default' END`;
const NAMED = (a: string) =>
  `pg_attribute AS ${a} WHERE ${a}.attrelid = c.oid AND ${a}.attnum > 0 AND NOT ${a}.attisdropped`;
const OWN_OPTION_LIST = OWN_OPTIONS.map((option) => `'${option}'`).join(', ');

/** Of each aspect a SELECT of the facts of `c`, a row of pg_class. The search path is pg_catalog, so names come out in full. */
const factsOf = {
  columns: `
    SELECT a.attname AS name, a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
      || CASE WHEN a.attcollation <> (SELECT t.typcollation FROM pg_type AS t WHERE t.oid = a.atttypid)
              THEN ' COLLATE ' || a.attcollation::regcollation ELSE '' END
      || CASE WHEN NOT a.attnotnull THEN ''
              WHEN EXISTS (SELECT FROM pg_constraint AS o WHERE o.conrelid = c.oid AND o.contype = 'n'
                             AND o.conkey = ARRAY[a.attnum] AND NOT o.convalidated) THEN ' NOT NULL NOT VALID'
              ELSE ' NOT NULL' END
      || CASE WHEN a.attgenerated <> '' THEN ' GENERATED ALWAYS AS ('
                || (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef AS d
                    WHERE d.adrelid = c.oid AND d.adnum = a.attnum) || ')' ELSE '' END
      || CASE WHEN a.attidentity <> '' THEN ' IDENTITY' ELSE '' END AS text
    FROM ${NAMED('a')}`,
  defaults: `
    SELECT a.attname AS name, pg_get_expr(d.adbin, 0) AS value,
           a.attname || ' DEFAULT ' || pg_get_expr(d.adbin, 0) AS text
    FROM pg_attrdef AS d JOIN pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    WHERE d.adrelid = c.oid AND a.attgenerated = ''`,
  checks: `
    SELECT o.conname AS name, pg_get_constraintdef(o.oid) AS text
    FROM pg_constraint AS o
    WHERE o.conrelid = c.oid AND o.contype IN ('c', 'f')
      AND o.conname <> '${BOUNDS_CONSTRAINT}' AND NOT (${FENCE_CONDITION})`,
  // Of the CHECK of the bounds the two instants are compared, for how it is written differs from how a bound is.
  bounds: `
    SELECT o.conname AS name, coalesce((SELECT string_agg(part[1], ' to ')
             FROM regexp_matches(pg_get_constraintdef(o.oid), '''([^'']+)''::timestamp', 'g') AS part), 'nothing')
           || CASE WHEN o.convalidated THEN '' ELSE ' NOT VALID' END AS text
    FROM pg_constraint AS o
    WHERE o.conrelid = c.oid AND o.contype = 'c' AND o.conname = '${BOUNDS_CONSTRAINT}'`,
  // An attached index goes by the name of the parent's. What a migration writes has no option of an index but these. While somebody
  // builds indexes, what is on its way is no difference: what is not valid, and its parts that are done.
  indexes: `
    SELECT CASE WHEN c.oid = m.parent THEN x.relname ELSE px.relname END AS name, x.relname AS value,
           CASE WHEN EXISTS (SELECT FROM pg_constraint AS o WHERE o.conindid = x.oid) THEN 'constraint'
                WHEN i.indisvalid THEN 'valid' ELSE 'invalid' END AS kind,
           CASE WHEN c.oid = m.parent THEN x.relname::text
                WHEN px.oid IS NULL THEN 'of its own ' || x.relname
                  || CASE WHEN i.indisvalid THEN '' ELSE ' (invalid)' END
                ELSE px.relname || CASE WHEN i.indisvalid THEN '' ELSE ' (invalid)' END END
           || coalesce(' with ' || array_to_string(x.reloptions, ', '), '') AS text
    FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid
    LEFT JOIN pg_inherits AS h ON h.inhrelid = x.oid
    LEFT JOIN pg_class AS px ON px.oid = h.inhparent
    WHERE i.indrelid = c.oid AND NOT (${INDEX_LOCK_HELD} AND CASE
      WHEN c.oid = m.parent THEN NOT i.indisvalid
      WHEN px.oid IS NOT NULL THEN EXISTS (SELECT FROM pg_index AS p WHERE p.indexrelid = px.oid AND NOT p.indisvalid)
      ELSE NOT i.indisvalid OR EXISTS (SELECT FROM pg_index AS p WHERE p.indrelid = m.parent AND NOT p.indisvalid) END)`,
  grants: `
    SELECT CASE WHEN acl.grantee = 0 THEN '' ELSE pg_get_userbyid(acl.grantee)::text END AS name,
           acl.privilege_type AS value, CASE WHEN acl.is_grantable THEN 'grantable' END AS kind,
           acl.privilege_type || ' for '
             || CASE WHEN acl.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(acl.grantee)::text END
             || CASE WHEN acl.is_grantable THEN ' to pass on' ELSE '' END AS text
    FROM aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS acl`,
  owner: `SELECT pg_get_userbyid(c.relowner) AS name, pg_get_userbyid(c.relowner)::text AS text`,
  storage: `
    SELECT 'option' AS kind, split_part(o, '=', 1) AS name, NULL AS value, o AS text
    FROM unnest(c.reloptions) AS o WHERE split_part(o, '=', 1) NOT IN (${OWN_OPTION_LIST})
    UNION ALL
    SELECT 'option', 'toast.' || split_part(o, '=', 1), NULL, 'toast.' || o
    FROM pg_class AS t, unnest(t.reloptions) AS o
    WHERE t.oid = c.reltoastrelid AND split_part(o, '=', 1) NOT IN (${OWN_OPTION_LIST})
    UNION ALL SELECT 'stored', a.attname, ${STORED}, a.attname || ' stored ' || ${STORED}
    FROM ${NAMED('a')} AND a.attlen = -1
    UNION ALL SELECT 'compressed', a.attname, ${COMPRESSED}, a.attname || ' compressed by ' || ${COMPRESSED}
    FROM ${NAMED('a')} AND a.attlen = -1
    UNION ALL SELECT NULL, NULL, NULL, 'UNLOGGED' WHERE c.relpersistence = 'u'
    UNION ALL SELECT NULL, NULL, NULL, 'no plain table' WHERE c.oid <> m.parent AND c.relkind <> 'r'
    UNION ALL SELECT NULL, NULL, NULL, 'tablespace ' || s.spcname FROM pg_tablespace AS s WHERE s.oid = c.reltablespace`,
  statistics: `
    SELECT 'target' AS kind, a.attname AS name, a.attstattarget::text AS value, a.attname || ' at ' || a.attstattarget AS text
    FROM ${NAMED('a')} AND a.attstattarget >= 0
    UNION ALL
    SELECT 'extended', x.columns, x.kinds, 'extended ones of ' || x.columns || coalesce(' (' || x.kinds || ')', '')
    FROM (SELECT pg_get_statisticsobjdef_columns(s.oid) AS columns,
                 (SELECT string_agg(CASE k WHEN 'd' THEN 'ndistinct' WHEN 'f' THEN 'dependencies' ELSE 'mcv' END, ', ' ORDER BY k)
                  FROM unnest(s.stxkind) AS k WHERE k <> 'e') AS kinds
          FROM pg_statistic_ext AS s WHERE s.stxrelid = c.oid) AS x`,
  triggers: `
    SELECT t.tgname AS name, 'trigger ' || t.tgname || CASE t.tgenabled WHEN 'O' THEN '' ELSE ' in mode ' || t.tgenabled::text END AS text
    FROM pg_trigger AS t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
    UNION ALL SELECT r.rulename, 'rule ' || r.rulename FROM pg_rewrite AS r WHERE r.ev_class = c.oid`,
  security: `
    SELECT 'row security' AS text WHERE c.relrowsecurity
    UNION ALL SELECT 'forced row security' WHERE c.relforcerowsecurity
    UNION ALL SELECT 'policy ' || p.polname FROM pg_policy AS p WHERE p.polrelid = c.oid`,
  replication: `
    SELECT 'replica identity ' || CASE c.relreplident WHEN 'n' THEN 'NOTHING' WHEN 'f' THEN 'FULL' ELSE 'INDEX' END AS text
    WHERE c.relreplident <> 'd'`,
} as const;

export const aspects = Object.keys(factsOf) as Aspect[];

/**
 * The tables and their attached partitions, or one partition and its table.
 *
 * @param only the name of the one partition that is wanted
 */
export async function readStructures(db: Db, only?: string): Promise<Structure[]> {
  const columns = aspects.map(
    (aspect) => `'${aspect}', (SELECT coalesce(json_agg(f), '[]') FROM (${factsOf[aspect]}) AS f)`,
  );
  return db.transaction().execute(async (trx) => {
    // What the catalog prints depends on these, and a name in a default is only written out where it is not in the path.
    await sql`SELECT set_config('search_path', 'pg_catalog', true), set_config('TimeZone', 'UTC', true),
                     set_config('DateStyle', 'ISO, YMD', true), set_config('lock_timeout', '2s', true)`.execute(
      trx,
    );
    const { rows } = await sql<Structure>`
      WITH parent AS (
        SELECT c.oid, c.relname AS name
        FROM unnest(${quarterTables.map((table) => table.schema)}::text[],
                    ${quarterTables.map((table) => table.name)}::text[]) AS t (schema, name)
        JOIN pg_catalog.pg_namespace AS n ON n.nspname = t.schema
        JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = t.name
      ), m AS (
        SELECT oid, oid AS parent, NULL AS "parentName" FROM parent
        UNION ALL
        SELECT i.inhrelid, parent.oid, parent.name
        FROM parent JOIN pg_catalog.pg_inherits AS i ON i.inhparent = parent.oid AND NOT i.inhdetachpending
      )
      SELECT n.nspname AS schema, c.relname AS name, m."parentName" AS parent,
             c.relkind = 'r' AS plain,
             (SELECT string_agg(part[1], ' to ')
              FROM regexp_matches(pg_get_expr(c.relpartbound, 0), '''([^'']+)''', 'g') AS part) AS bounds,
             CASE WHEN NOT EXISTS (SELECT FROM pg_catalog.pg_locks AS l
                                   WHERE l.relation = c.oid AND l.mode = 'AccessExclusiveLock'
                                     AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d
                                                       WHERE d.datname = current_database())
                                     AND l.pid <> pg_backend_pid())
                  THEN json_build_object(${sql.raw(columns.join(', '))}) END AS facts
      FROM m
      JOIN pg_catalog.pg_class AS c ON c.oid = m.oid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      WHERE ${only ?? null}::text IS NULL OR c.relname = ${only ?? null} OR m."parentName" IS NULL
      ORDER BY n.nspname, c.relname`.execute(trx);
    return rows;
  });
}
