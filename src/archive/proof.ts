import { rm } from 'node:fs/promises';
import {
  addLanes,
  combineDigests,
  type Lanes,
  noLanes,
  type TableDigest,
  tableDigest,
} from '../core/digest.ts';
import { assert, isAppError } from '../core/errors.ts';
import {
  countOutside,
  type LedgerTotals,
  ledgersOf,
  mergeTotals,
  type PartTotals,
  readBooked,
  readExponents,
  readMoved,
} from './books.ts';
import { check } from './check.ts';
import { readPart } from './contents.ts';
import { literal, literals } from './duckdb.ts';
import { fetchFile } from './fingerprint.ts';
import { type ArchiveTable, archiveTables } from './format.ts';
import type { Manifest, ManifestFile } from './manifest.ts';
import type { PartWork } from './parquet.ts';
import type { Store } from './store.ts';
import { requireSound } from './verify.ts';

/** What the parts that were proved hold together. */
export interface ProvedContents {
  readonly tables: readonly TableDigest[];
  /** Of the tables of kind `quarter`. */
  readonly digest: string;
  readonly ledgers: readonly LedgerTotals[];
}

/** Reads parts back from the store, one by one as they are stored, and adds up what is in them. */
export interface Proof {
  /**
   * Reads a stored part to its end: its bytes have to be those that were written, and its rows those of the quarter.
   *
   * @throws AppError corrupt/archive_damaged
   */
  add(table: ArchiveTable, part: ManifestFile, work: PartWork): Promise<void>;
  /** After the last part. */
  contents(work: PartWork): Promise<ProvedContents>;
}

/** The tables that others are read with. Their parts stay at hand, and they have to be proved before the others. */
const kept = ['accounts', 'currencies'];

/** The tables in the order in which they can be proved. */
export const provingOrder: readonly ArchiveTable[] = archiveTables.toSorted(
  (a, b) => Number(kept.includes(b.name)) - Number(kept.includes(a.name)),
);

/**
 * A proof of what a store holds in the folder. Memory does not grow with the number of parts, and of a store elsewhere
 * no part stays on this disk but those of the accounts and currencies.
 */
export function openProof(
  store: Store,
  folder: string,
  bounds: Pick<Manifest, 'quarter' | 'starts_at' | 'ends_at'>,
  signal: AbortSignal | undefined,
): Proof {
  const lanes = new Map<string, Lanes>(archiveTables.map(({ name }) => [name, noLanes]));
  const places = new Map<string, string[]>(kept.map((name) => [name, []]));
  const totals: PartTotals[] = [];
  const sourceOf = (name: string) => `read_parquet(${literals(places.get(name) ?? [])})`;

  function refuse(name: string, fault: string): never {
    requireSound([check(name, [fault], '')], `${store.url}/${folder}`);
    throw new Error('a fault is not sound');
  }

  return {
    async add(table, { path, rows, bytes, sha256 }, work) {
      const found = await fetchFile(store, `${folder}/${path}`, work.directory, { signal }).catch(
        (error: unknown) => {
          if (isAppError(error, 'not_in_store')) return refuse('files', `${path} is missing`);
          throw error;
        },
      );
      if (found.bytes !== bytes) refuse('checksums', `${path} has ${found.bytes} bytes instead of ${bytes}`);
      if (found.sha256 !== sha256) refuse('checksums', `${path} has another SHA-256`);
      const source = `read_parquet(${literal(found.file)})`;
      const part = await readPart(work.duck, table, source);
      if (typeof part === 'string') return refuse('columns', `${path} ${part}`);
      if (part.rows !== BigInt(rows)) refuse('rows', `${path} has ${part.rows} rows instead of ${rows}`);
      lanes.set(table.name, addLanes(lanes.get(table.name) ?? noLanes, part));
      if (table.kind === 'quarter') {
        const outside = await countOutside(work.duck, source, bounds);
        if (outside !== 0n) refuse('bounds', `${outside} rows of ${path} are not of ${bounds.quarter}`);
      }
      if (table.name === 'transactions') totals.push(...(await readBooked(work.duck, source)));
      if (table.name === 'entries')
        totals.push(...(await readMoved(work.duck, source, sourceOf('accounts'))));
      totals.splice(0, totals.length, ...mergeTotals(totals));
      const place = places.get(table.name);
      if (place !== undefined) place.push(found.file);
      else if (store.localPath === undefined) await rm(found.file);
    },

    async contents(work) {
      const tables = archiveTables.map(({ name, kind }) => {
        const sums = lanes.get(name);
        assert(sums, `${name} was not proved`);
        return { kind, name, rows: sums.rows, digest: tableDigest(sums) };
      });
      const exponents = await readExponents(work.duck, sourceOf('currencies'));
      return {
        tables,
        digest: combineDigests(tables.filter(({ kind }) => kind === 'quarter')),
        ledgers: ledgersOf(totals, exponents),
      };
    },
  };
}
