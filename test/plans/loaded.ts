import { readFile } from 'node:fs/promises';
import { type Book, openBook } from '../ledger/fixture.ts';

/** The account that is part of every fifth transaction, and one that never moved. */
export const BANK = 10_001;
export const IDLE = 10_050;

/**
 * A ledger of 600,000 transactions over the eight quarters of 2023 and 2024, with two empty quarters after them, vacuumed and
 * analyzed as autovacuum and the jobs leave it. What is in it is told in loaded.sql.
 */
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
