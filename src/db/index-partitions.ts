import { sql } from 'kysely';
import { AppError } from '../core/errors.ts';
import { identifier } from './identifier.ts';
import type { WantedIndex } from './index-shape.ts';
import type { Db } from './schema.ts';

/** Attached partitions that have no index attached to the wanted one, valid or not, oldest first. */
export async function partitionsWithout(session: Db, wanted: WantedIndex): Promise<string[]> {
  const { rows } = await sql<{ name: string; schema: string; relkind: string }>`
    SELECT c.relname AS name, n.nspname AS schema, c.relkind
    FROM pg_catalog.pg_inherits AS p
    JOIN pg_catalog.pg_class AS c ON c.oid = p.inhrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE p.inhparent = to_regclass(${identifier(wanted.schema, wanted.table)}) AND NOT p.inhdetachpending
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_inherits AS h ON h.inhrelid = i.indexrelid
        WHERE i.indrelid = c.oid AND h.inhparent = to_regclass(${identifier(wanted.schema, wanted.name)}))
    ORDER BY c.relname`.execute(session);
  const odd = rows.find(({ schema, relkind }) => relkind !== 'r' || schema !== wanted.schema);
  if (odd !== undefined) {
    const detail = `${odd.schema}.${odd.name} is no plain table in the schema of ${wanted.schema}.${wanted.table}. Build its index by hand, and attach it.`;
    throw new AppError('conflict', 'partition_not_plain', detail);
  }
  return rows.map(({ name }) => name);
}

/** What is attached to the wanted one. */
export async function readAttached(
  session: Db,
  wanted: WantedIndex,
): Promise<{ schema: string; name: string; partition: string; isValid: boolean }[]> {
  const { rows } = await sql<{ schema: string; name: string; partition: string; isValid: boolean }>`
    SELECT n.nspname AS schema, x.relname AS name, t.relname AS partition, i.indisvalid AS "isValid"
    FROM pg_catalog.pg_inherits AS h
    JOIN pg_catalog.pg_class AS x ON x.oid = h.inhrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = x.relnamespace
    JOIN pg_catalog.pg_index AS i ON i.indexrelid = x.oid
    JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
    WHERE h.inhparent = to_regclass(${identifier(wanted.schema, wanted.name)})
    ORDER BY x.relname`.execute(session);
  return rows;
}

/** The names of the attached partitions. */
export async function readPartitionNames(session: Db, wanted: WantedIndex): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    SELECT c.relname AS name
    FROM pg_catalog.pg_inherits AS p JOIN pg_catalog.pg_class AS c ON c.oid = p.inhrelid
    WHERE p.inhparent = to_regclass(${identifier(wanted.schema, wanted.table)})
    ORDER BY c.relname`.execute(session);
  return rows.map(({ name }) => name);
}
