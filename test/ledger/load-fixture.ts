import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { sql } from 'kysely';
import { afterAll } from 'vitest';
import { fixedClock } from '../../src/core/clock.ts';
import { createAccountCache } from '../../src/ledger/accounts.ts';
import { type LoadHouse, type LoadOptions, type LoadReport, load } from '../../src/ledger/load.ts';
import type { Book } from './fixture.ts';

export const HEADER =
  'created_at,debit_account,credit_account,amount,currency,user_id,status,reference_code,description,metadata';

/** Loads of a test stand in this moment. */
export const NOW = '2026-06-15T12:00:00Z';

type Options = Partial<LoadOptions> & { house?: Partial<LoadHouse> };

/** A directory for the files of a test file, and ways to load them. */
export async function openLoads(book: () => Book) {
  const directory = await mkdtemp(join(tmpdir(), 'quartermaster-load-'));
  afterAll(() => rm(directory, { recursive: true, force: true }));
  const path = (name: string) => join(directory, name);

  async function run(source: LoadOptions['source'], options: Options): Promise<LoadReport> {
    const { house, ...rest } = options;
    return load(houseOf(book(), house), {
      ledger: 'main',
      amounts: 'decimal',
      createAccounts: { allowNegative: '*' },
      source,
      ...rest,
    });
  }
  return {
    path,
    write: async (name: string, content: string | Buffer) => {
      await writeFile(path(name), content);
      return path(name);
    },
    loadFile: (name: string, options: Options = {}) => run({ path: path(name) }, options),
    loadStream: (id: string, source: LoadOptions['source'], options: Options = {}) =>
      run(source, { id, ...options }),
    loadText: (id: string, text: string, options: Options = {}) =>
      run({ stream: Readable.from([Buffer.from(text)]) }, { id, ...options }),
  };
}

export function houseOf(book: Book, changes: Partial<LoadHouse> = {}): LoadHouse {
  return {
    database: book.database,
    calendar: book.calendar,
    clock: fixedClock(NOW),
    accounts: createAccountCache(),
    ensureQuarters: book.ensureQuarters,
    finish: async () => {},
    oldest: new Date('2000-01-01T00:00:00Z'),
    ...changes,
  };
}

/** The booked transactions of one reference prefix, in the order of time. */
export async function booked(book: Book, prefix: string) {
  const { rows } = await sql<{
    reference_code: string;
    created_at: Date;
    amount: bigint;
    currency: string;
    status: string;
    user_id: string;
    description: string | null;
    metadata: unknown;
  }>`SELECT reference_code, created_at, amount, currency, status, user_id, description, metadata
     FROM ledger.transactions WHERE reference_code LIKE ${`${prefix}%`} ORDER BY created_at, id`.execute(
    book.db,
  );
  return rows;
}

export async function loadRow(book: Book, id: string) {
  return book.db.selectFrom('quartermaster.loads').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
}

/** Rows of one minute each, whose references begin with `prefix`. */
export function rows(prefix: string, count: number, start = '2026-01-05T00:00:00Z'): string[] {
  return Array.from({ length: count }, (_, index) => {
    const at = new Date(Date.parse(start) + index * 60_000).toISOString();
    return `${at},${prefix}-a:CASH,${prefix}-b:WALLET,${index + 1}.25,EUR,user-${index % 3},,${prefix}-${index},,`;
  });
}
/** A whole file. */
export const csv = (lines: string[]) => `${[HEADER, ...lines].join('\n')}\n`;
