import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFileCache } from '../../src/archive/cache.ts';
import { openDiskStore } from '../../src/archive/disk-store.ts';
import type { ArchiveSource } from '../../src/archive/query.ts';
import {
  type ArchivedRow,
  type ArchivedSearch,
  readArchivedPage,
} from '../../src/quarters/archived-transactions.ts';
import { writeArchive } from '../archive/books.ts';

/** A transaction as the model has it. */
interface Row {
  readonly ledger: number;
  readonly at: number;
  readonly id: string;
  readonly user: string;
  readonly status: 'SUCCESS' | 'FAILED';
  readonly currency: string;
  readonly reference: string | null;
  readonly accounts: readonly number[];
}

const start = Date.parse('2024-01-01T00:00:00.000Z');
const end = Date.parse('2024-04-01T00:00:00.000Z');
const references = [null, '', 'a', 'aa', 'ab', 'b', '\u{10ffff}x', "it's"];

/**
 * Many at one instant, some at the first and at the last of the quarter, most of them late: so stretches of time are empty,
 * or hold more than a page.
 */
const rows: Row[] = Array.from({ length: 300 }, (_, i): Row => {
  const days = [0, 0, 1, 30, 60, 89, 89, 90][(i * 5) % 8] ?? 0;
  const at = Math.min(start + days * 86_400_000 + (i % 3), end - 1);
  const failed = i % 7 === 3;
  return {
    ledger: i % 4 === 1 ? 2 : 1,
    at,
    id: `00000000-0000-7000-8000-${((i * 7919) % 4096).toString(16).padStart(12, '0')}`,
    user: ['', 'u', 'v', "o'brien"][i % 4] ?? '',
    status: failed ? 'FAILED' : 'SUCCESS',
    currency: i % 5 === 0 ? 'JPY' : 'EUR',
    reference: references[i % references.length] ?? null,
    accounts: [1 + (i % 6), 7 + (i % 3)],
  };
});

let directory: string;
let source: ArchiveSource;
const cache = createFileCache({ maxBytes: 0 });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'archived-'));
  const store = openDiskStore(directory);
  const time = (at: number) => new Date(at).toISOString().replace('T', ' ').replace('Z', '+00');
  const quoted = (text: string | null) => (text === null ? '' : `"${text}"`);
  const byTime = rows.toSorted((a, b) => a.ledger - b.ledger || a.at - b.at || (a.id < b.id ? -1 : 1));
  const manifest = await writeArchive(store, 'books/2024q1', {
    partBytes: 6000,
    rows: {
      transactions: byTime.map(
        (row) =>
          `${row.ledger},${time(row.at)},${row.id},${quoted(row.user)},${row.status},${row.currency},5,${quoted(row.reference)},,,,,"{${row.accounts.join(',')}}",`,
      ),
      entries: byTime
        .filter(({ status }) => status === 'SUCCESS')
        .flatMap((row) => row.accounts.map((account) => ({ row, account })))
        .toSorted((a, b) => a.row.ledger - b.row.ledger || a.account - b.account || a.row.at - b.row.at)
        .map(({ row, account }, i) => `${row.ledger},${account},${time(row.at)},${i + 1},${row.id},5,0`),
    },
  });
  source = { store, folder: 'books/2024q1', manifest };
});
afterAll(() => rm(directory, { recursive: true, force: true }));

type Filter = Omit<ArchivedSearch, 'limit' | 'after'>;

/** By the rules alone, in the order of the list. */
function expected(search: Filter): string[] {
  return rows
    .filter((row) => row.ledger === search.ledgerId)
    .filter((row) => search.userId === undefined || row.user === search.userId)
    .filter((row) => search.status === undefined || row.status === search.status)
    .filter((row) => search.from === undefined || row.at >= search.from.getTime())
    .filter((row) => search.to === undefined || row.at < search.to.getTime())
    .filter(
      (row) =>
        row.reference?.startsWith(search.referencePrefix ?? '') ?? search.referencePrefix === undefined,
    )
    .filter(
      (row) =>
        search.accountIds === undefined ||
        (row.status === 'SUCCESS' && search.accountIds.some((id) => row.accounts.includes(Number(id)))),
    )
    .filter((row) => search.currency === undefined || row.currency === search.currency)
    .toSorted((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1))
    .map(({ id }) => id);
}

/** The same, believed to have so many times more rows: then it is read in stretches that are so much shorter. */
function taken(times: number): ArchiveSource {
  const { manifest } = source;
  const ledgers = manifest.ledgers.map((ledger) => ({
    ...ledger,
    currencies: ledger.currencies.map((each) => ({ ...each, transactions: each.transactions * times })),
  }));
  return { ...source, manifest: { ...manifest, ledgers } };
}

async function readAll(search: Filter, limit: number, from = source): Promise<string[]> {
  const ids: string[] = [];
  let after: ArchivedSearch['after'];
  for (;;) {
    const page = await readArchivedPage(cache, from, { ...search, limit, after }, { timeoutMs: 60_000 });
    ids.push(...page.rows.map(({ id }) => id));
    if (page.more) expect(page.rows).toHaveLength(limit);
    const last: ArchivedRow | undefined = page.rows.at(-1);
    if (!page.more || last === undefined) return ids;
    after = { at: new Date(last.created_ms), id: last.id };
  }
}

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 1 });
const instant = fc
  .constantFrom(...rows.map(({ at }) => at), start, end, start - 1, end + 1)
  .map((at) => new Date(at));
const filters = fc.record({
  ledgerId: fc.constantFrom(1, 1, 2, 3),
  userId: maybe(fc.constantFrom('u', "o'brien", 'nobody')),
  status: maybe(fc.constantFrom('SUCCESS' as const, 'FAILED' as const)),
  from: maybe(instant),
  to: maybe(instant),
  referencePrefix: maybe(fc.constantFrom('a', 'ab', "it's", '\u{10ffff}', '%')),
});

describe('a page of an archived quarter', () => {
  it('is one after the other what the rules say, none told twice and none left out', async () => {
    await fc.assert(
      fc.asyncProperty(
        filters,
        fc.integer({ min: 15, max: 120 }),
        fc.constantFrom(1, 20, 1e4, 1e6),
        async (search, limit, times) => {
          expect(await readAll(search, limit, taken(times))).toEqual(expected(search));
        },
      ),
      { numRuns: 40 },
    );
  }, 180_000);

  it.each<Omit<Filter, 'ledgerId' | 'accountIds'> & { accounts?: number[] }>([
    { accounts: [1] },
    { accounts: [1, 7], referencePrefix: 'a' },
    { accounts: [2, 3], userId: 'v', from: new Date(start + 1), to: new Date(end) },
    { accounts: [99] },
    { accounts: [] },
    { currency: 'JPY', status: 'SUCCESS' },
  ])('is so for %j, too', async ({ accounts, ...search }) => {
    const filter = { ledgerId: 1, accountIds: accounts?.map(BigInt), ...search };
    expect(await readAll(filter, 9)).toEqual(expected(filter));
  });

  it('tells what lies where two stretches of time meet once, and leaves out nothing beside it', async () => {
    const all = expected({ ledgerId: 1 });
    for (const { at } of rows.filter(({ ledger }, i) => ledger === 1 && i % 29 === 0)) {
      for (const beside of [-1, 0, 1]) {
        // As long as the first stretch is when there are a hundred times as many.
        const limit = 300;
        const width = Math.ceil(((end - start) * 8 * (limit + 1)) / (all.length * 100));
        const search = { ledgerId: 1, to: new Date(at + beside + width) };
        expect(await readAll(search, limit, taken(100))).toEqual(expected(search));
      }
    }
  });

  it('begins with what is older than an instant that has many, wherever that is', async () => {
    const all = expected({ ledgerId: 1 });
    for (const [place, id] of all.entries()) {
      if (place % 17 !== 0) continue;
      const at = new Date(rows.find((row) => row.id === id)?.at ?? 0);
      const search = { ledgerId: 1, limit: 5, after: { at, id } };
      const page = await readArchivedPage(cache, source, search, { timeoutMs: 60_000 });
      expect(page.rows.map((row) => row.id)).toEqual(all.slice(place + 1, place + 6));
    }
  });

  it('is nothing outside of the quarter, whatever a cursor says', async () => {
    for (const at of [0, start - 1, end + 10_000]) {
      const after = { at: new Date(at), id: 'ffffffff-ffff-ffff-ffff-ffffffffffff' };
      const search = { ledgerId: 1, limit: 1000, after };
      const page = await readArchivedPage(cache, source, search, { timeoutMs: 60_000 });
      expect(page.rows.map((row) => row.id)).toEqual(at < start ? [] : expected({ ledgerId: 1 }));
    }
  });

  it('ends when it takes too long, and when nobody waits for it any more', async () => {
    const { localPath: _, ...disk } = openDiskStore(directory);
    const stalling = { ...source, store: { ...disk, open: async () => new PassThrough() } };
    const far = createFileCache({ directory: join(directory, 'cache'), maxBytes: 1e6 });
    const search = { ledgerId: 1, limit: 5 };
    const late = readArchivedPage(far, stalling, search, { timeoutMs: 200 });
    await expect(late).rejects.toMatchObject({ kind: 'busy', code: 'read_too_slow' });
    const stop = new AbortController();
    const left = readArchivedPage(far, stalling, search, { timeoutMs: 60_000, signal: stop.signal });
    setImmediate(() => stop.abort());
    await expect(left).rejects.toMatchObject({ kind: 'aborted' });
    // What went wrong for them is not in the way of the next.
    const { rows: found } = await readArchivedPage(far, { ...source, store: disk }, search, {
      timeoutMs: 60_000,
    });
    expect(found).toHaveLength(5);
  });
});
