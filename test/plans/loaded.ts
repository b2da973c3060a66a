import { readFile } from 'node:fs/promises';
import { type Book, openBook } from '../ledger/fixture.ts';

/** The account that is part of every fifth transaction, and one that never moved. */
export const BANK = 10_001;
export const IDLE = 10_050;

/** How a loaded ledger is made; the words are told in loaded.sql. */
export interface Load {
  readonly rows: number;
  readonly ledgers: number;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly heavyEvery: number;
  readonly failed: number;
  /** Empty quarters follow up to this instant. */
  readonly quartersUntil: string;
}

/** A million transactions of one ledger over the eight quarters of 2023 and 2024, with two empty quarters after them. */
export const usual: Load = {
  rows: 1_050_000,
  ledgers: 1,
  startsAt: '2023-01-01T00:00:00Z',
  endsAt: '2025-01-01T00:00:00Z',
  heavyEvery: 20,
  failed: 5000,
  quartersUntil: '2025-06-30T00:00:00Z',
};

/** A book that is loaded so, vacuumed and analyzed as autovacuum and the jobs leave it. What is in it is told in loaded.sql. */
export async function openLoadedBook(changes: Partial<Load> = {}): Promise<Book> {
  const load = { ...usual, ...changes };
  const book = await openBook({ poolMax: 4 });
  await book.ensureQuarters(new Date(load.startsAt), new Date(load.quartersUntil));
  const text = await readFile(new URL('./loaded.sql', import.meta.url), 'utf8');
  await book.database.withClient(async (client) => {
    const settings = {
      rows: load.rows,
      ledgers: load.ledgers,
      starts_at: load.startsAt,
      ends_at: load.endsAt,
      heavy_every: load.heavyEvery,
      failed: load.failed,
    };
    for (const [name, value] of Object.entries(settings)) {
      await client.query('SELECT set_config($1, $2, false)', [`plans.${name}`, String(value)]);
    }
    await client.query(text);
    // FREEZE waits for pages that autovacuum is just looking at, where a plain one would leave them out.
    await client.query('VACUUM (FREEZE, ANALYZE)');
  });
  return book;
}
