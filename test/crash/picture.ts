import { sql } from 'kysely';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import type { Place } from './house.ts';

/**
 * All that a place holds, a line each, in order: every relation with its bounds, constraints, indexes and grants, every row of
 * the state, a hash of the rows of every other table, the story of every quarter, and every file of the store. Two places
 * with the same picture are the same to everybody.
 */
export type Picture = readonly string[];

/** What differs between two runs that do the same: when and where. */
const VOLATILE = ['updated_at', 'at', 'location', 'marked_at'];

/** Shown row by row; of all others there is a hash. */
const SHOWN = ['quartermaster.quarters', 'quartermaster.archives', 'quartermaster.restores'];

export async function takePicture(house: QuarterHouse, { directory }: Place): Promise<Picture> {
  const db = house.database.direct;
  const relations = await sql<{ line: string; name: string; table: string | null }>`
    SELECT n.nspname || '.' || c.relname AS name,
           CASE WHEN c.relkind = 'r' THEN quote_ident(n.nspname) || '.' || quote_ident(c.relname) END AS "table",
           concat_ws(' ', n.nspname || '.' || c.relname, c.relkind,
             coalesce('of ' || i.inhparent::regclass, 'alone'),
             CASE WHEN i.inhdetachpending THEN 'DETACH PENDING' END,
             pg_get_expr(c.relpartbound, c.oid),
             (SELECT string_agg(k.conname || ' ' || pg_get_constraintdef(k.oid), '; ' ORDER BY k.conname)
              FROM pg_catalog.pg_constraint AS k WHERE k.conrelid = c.oid AND k.contype <> 'n'),
             (SELECT string_agg(pg_get_indexdef(x.indexrelid) || CASE WHEN x.indisvalid THEN '' ELSE ' INVALID' END
                       || CASE WHEN h.inhrelid IS NULL THEN '' ELSE ' of ' || h.inhparent::regclass END,
                     '; ' ORDER BY x.indexrelid::regclass::text)
              FROM pg_catalog.pg_index AS x LEFT JOIN pg_catalog.pg_inherits AS h ON h.inhrelid = x.indexrelid
              WHERE x.indrelid = c.oid),
             c.relacl::text) AS line
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = c.oid
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'public')
      AND n.nspname !~ '^pg_(toast_)?temp_'
    ORDER BY n.nspname, c.relname`.execute(db);
  const files = await house.store.list(house.ledgerSet);
  return [
    ...relations.rows.map(({ line }) => line),
    ...(await rowsOf(house, relations.rows)),
    ...(await storyOf(house)),
    ...files.map(({ path, bytes }) => `${path} ${bytes}`),
  ].map((line) => line.replaceAll(directory, ''));
}

async function rowsOf(
  { database }: QuarterHouse,
  relations: readonly { name: string; table: string | null }[],
): Promise<string[]> {
  const tables = relations.flatMap(({ name, table }) =>
    table === null || name === 'quartermaster.quarter_events' ? [] : [{ name, table }],
  );
  const query = tables.map(({ name, table }) => {
    const row = `to_jsonb(t) - ARRAY[${VOLATILE.map((column) => `'${column}'`).join(', ')}]`;
    const seen = SHOWN.includes(name)
      ? `coalesce(string_agg((${row})::text, E'\\n' ORDER BY (${row})::text), '')`
      : `count(*) || ' ' || md5(coalesce(string_agg(md5((${row})::text), '' ORDER BY md5((${row})::text)), ''))`;
    return `SELECT '${name}: ' || ${seen} AS line FROM ${table} AS t`;
  });
  const { rows } = await sql.raw<{ line: string }>(query.join('\nUNION ALL\n')).execute(database.direct);
  return rows.flatMap(({ line }) => line.split('\n'));
}

/** Who did what to which quarter, in the order in which it was done. */
async function storyOf({ database }: QuarterHouse): Promise<string[]> {
  const { rows } = await sql<{ line: string }>`
    SELECT concat_ws(' ', 'story of', quarter, string_agg(concat_ws('/', event, actor, reason), ', ' ORDER BY id)) AS line
    FROM quartermaster.quarter_events GROUP BY quarter ORDER BY quarter`.execute(database.direct);
  return rows.map(({ line }) => line);
}

/** The same story, told once where a deed was done twice in a row. */
export function withoutRepeats(picture: Picture): Picture {
  return picture.map((line) =>
    line.startsWith('story of')
      ? line.split(', ').reduce((told, next) => (told.endsWith(next) ? told : `${told}, ${next}`))
      : line,
  );
}

/** The lines by which one picture differs from another. */
export function differences(found: Picture, wanted: Picture): string[] {
  const [has, wants] = [new Set(found), new Set(wanted)];
  return [
    ...found.filter((line) => !wants.has(line)).map((line) => `+ ${line}`),
    ...wanted.filter((line) => !has.has(line)).map((line) => `- ${line}`),
  ];
}

export function same(a: Picture, b: Picture): boolean {
  return a.length === b.length && differences(a, b).length === 0;
}
