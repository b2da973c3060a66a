import { readFile } from 'node:fs/promises';
import { CompiledQuery } from 'kysely';
import type { Db } from '../../src/db/schema.ts';
import { type Book, openBook } from '../ledger/fixture.ts';

/** The ledger of loaded.sql, vacuumed and analyzed as autovacuum and the jobs leave it. */
export async function openLoadedBook(): Promise<Book> {
  const book = await openBook({ poolMax: 4 });
  await book.ensureQuarters(new Date('2023-01-01'), new Date('2025-06-30'));
  const text = await readFile(new URL('./loaded.sql', import.meta.url), 'utf8');
  await book.database.withClient(async (client) => {
    await client.query(text);
    await client.query('VACUUM (ANALYZE)');
  });
  return book;
}

interface Node {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly 'Shared Hit Blocks'?: number;
  readonly 'Shared Read Blocks'?: number;
  readonly Plans?: readonly Node[];
}

/** What a statement did when it was run. */
export interface Reading {
  /** Of each table or partition that was looked into: how, and how many rows were read, those passed over included. */
  readonly tables: Readonly<Record<string, { readonly how: string; readonly rows: number }>>;
  readonly buffers: number;
}

/** Runs the statement and tells what it read. */
export async function readingOf(db: Db, statement: string): Promise<Reading> {
  const { rows } = await db.executeQuery<{ 'QUERY PLAN': [{ Plan: Node }] }>(
    CompiledQuery.raw(`EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) ${statement}`),
  );
  const root = (rows[0] as (typeof rows)[0])['QUERY PLAN'][0].Plan;
  const tables: Record<string, { how: string; rows: number }> = {};
  for (const node of flatten(root)) {
    const name = node['Relation Name'];
    const read =
      node['Actual Loops'] *
      (node['Actual Rows'] +
        (node['Rows Removed by Filter'] ?? 0) +
        (node['Rows Removed by Index Recheck'] ?? 0));
    // A plan holds more than is executed.
    if (name === undefined || node['Actual Loops'] === 0) continue;
    const known = tables[name];
    tables[name] = {
      how: [...new Set([...(known?.how.split(', ') ?? []), node['Node Type']])].sort().join(', '),
      rows: Math.round((known?.rows ?? 0) + read),
    };
  }
  return { tables, buffers: (root['Shared Hit Blocks'] ?? 0) + (root['Shared Read Blocks'] ?? 0) };
}

function flatten(node: Node): Node[] {
  return [node, ...(node.Plans ?? []).flatMap(flatten)];
}
