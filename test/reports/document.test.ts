import { readFileSync } from 'node:fs';
import { sql } from 'kysely';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Book, openBook } from '../ledger/fixture.ts';

const text = readFileSync(new URL('../../docs/reports.md', import.meta.url), 'utf8');

/** The queries of the page, each with the heading of the result that is shown below it. */
const examples = [...text.matchAll(/```sql\n(SELECT[^`]*?)```\n```\n([^\n]*)\n/g)].map((match) => [
  (match[1] ?? '').trim(),
  (match[2] ?? '').split('|').map((name) => name.trim()),
]) as [string, string[]][];

let book: Book;
beforeAll(async () => {
  book = await openBook();
});
afterAll(() => book.close());

describe('the page on the reports', () => {
  it('has an example for each group of views', () => {
    expect(examples.length).toBeGreaterThanOrEqual(9);
  });

  it.each(examples)('is right about %s', async (query, columns) => {
    const { fields } = await book.database.withClient((client: pg.ClientBase) => client.query(query));
    expect(fields.map(({ name }) => name)).toEqual(columns);
  });

  it('tells of every view and function, and of every column', async () => {
    const { rows } = await sql<{ name: string }>`
      SELECT relname AS name FROM pg_class WHERE relnamespace = 'reports'::regnamespace AND relkind IN ('v', 'm')
      UNION ALL
      SELECT proname FROM pg_proc WHERE pronamespace = 'reports'::regnamespace
      UNION
      SELECT a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
      WHERE c.relnamespace = 'reports'::regnamespace AND c.relkind IN ('v', 'm') AND a.attname NOT LIKE '%\\_minor'`.execute(
      book.db,
    );
    expect(rows.length).toBeGreaterThan(50);
    const said = new Set(text.match(/\w+/g));
    expect(rows.map(({ name }) => name).filter((name) => !said.has(name))).toEqual([]);
  });
});
