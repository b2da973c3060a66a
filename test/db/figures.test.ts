import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFigures } from '../../src/db/figures.ts';
import { type Book, openBook } from '../ledger/fixture.ts';

const QUARTERS = 200;

describe('with two hundred quarters and ten thousand jobs', () => {
  let book: Book;
  beforeAll(async () => {
    book = await openBook({ poolMax: 4 });
    await book.ensureQuarters(new Date('1975-01-01T00:00:00Z'), new Date('2024-12-31T00:00:00Z'));
  }, 240_000);
  afterAll(() => book?.close());

  it('reads', async () => {
    for (let i = 0; i < 4; i++) {
      const t = performance.now();
      const f = await book.database.withClient((client) => readFigures(client, { zone: 'UTC', db: book.db }));
      console.log(performance.now() - t, f.partitions.length);
    }
    await book.database.withClient(async (client) => {
      const seen: string[] = [];
      const spy = { query: async (text: string, values?: unknown[]) => {
        if (text.includes('AS partitions')) {
          const t = await client.query('EXPLAIN (ANALYZE, BUFFERS) ' + text, values);
          seen.push(...t.rows.map((r: any) => r['QUERY PLAN']));
        }
        return client.query(text, values);
      } };
      await readFigures(spy as never, { zone: 'UTC', db: book.db });
      console.log(seen.join('\n'));
    });
  });
});
