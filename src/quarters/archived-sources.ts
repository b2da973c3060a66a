import { sha256 } from '../archive/manifest.ts';
import type { ArchiveSource } from '../archive/query.ts';
import { readManifest } from '../archive/verify.ts';
import { AppError } from '../core/errors.ts';
import { isQuarterName, nextName } from '../core/quarter.ts';
import { archiveFolder, readArchive } from './archives.ts';
import type { QuarterHouse } from './context.ts';
import { type QuarterRow, readQuarter } from './registry.ts';

/** Finds the archives of quarters, each in the order asked for. */
export type FindSources = (quarters: readonly string[]) => Promise<ArchiveSource[]>;

/** How many manifests a process remembers. */
const REMEMBERED = 100;

/**
 * Finds the archives of quarters by what the database knows of them: the manifest in the store must be the one that was
 * recorded. A manifest is read from the store once, for under its SHA-256 there can be no other.
 *
 * What it makes throws
 * - not_found/no_such_quarter, conflict/not_archived, which names every quarter that has no archive;
 * - corrupt/archive_damaged, corrupt/archive_unknown, not_found/not_in_store.
 */
export function createSourceFinder(
  house: Pick<QuarterHouse, 'database' | 'store' | 'ledgerSet'>,
): FindSources {
  const { database, store, ledgerSet } = house;
  const known = new Map<string, ArchiveSource>();

  async function findSource(quarter: string): Promise<ArchiveSource> {
    const { manifest_sha256: recorded } = await readArchive(database.write, quarter);
    const remembered = known.get(recorded);
    if (remembered !== undefined) return remembered;
    const folder = archiveFolder(ledgerSet, quarter);
    const { manifest, bytes } = await readManifest(store, folder);
    if (sha256(bytes) !== recorded || manifest.quarter !== quarter) {
      const detail = `The archive in ${store.url}/${folder} is not the one that was written for ${quarter}: its manifest has another SHA-256.`;
      throw new AppError('corrupt', 'archive_damaged', detail);
    }
    const source = { store, folder, manifest };
    if (known.size >= REMEMBERED) known.clear();
    known.set(recorded, source);
    return source;
  }

  return async (quarters) => {
    const rows: QuarterRow[] = [];
    for (const quarter of quarters) rows.push(await readQuarter(database.write, quarter));
    const without = rows.filter(({ archived_at: archived }) => archived === null);
    if (without.length > 0) throw notArchived(without);
    const sources: ArchiveSource[] = [];
    for (const quarter of quarters) sources.push(await findSource(quarter));
    return sources;
  };
}

function notArchived(rows: readonly QuarterRow[]): AppError {
  const named = rows.map(({ quarter, state }) => `${quarter} (${state})`).join(', ');
  const has = rows.length === 1 ? 'has no archive' : 'have no archives';
  const detail = `${named} ${has}: the rows are in the database, where the list of transactions, or \`quartermaster query\` without --quarters, reads them.`;
  return new AppError('conflict', 'not_archived', detail);
}

/** More quarters than this at once are a mistake. */
const MOST_QUARTERS = 400;

/**
 * Quarters as somebody writes them: names and ranges with commas between, as `2019q1..2019q4,2021q1`.
 *
 * @returns each once, oldest first
 * @throws AppError invalid/invalid_quarter, refused/too_many_quarters
 */
export function parseQuarters(text: string): string[] {
  const names = new Set<string>();
  for (const part of text.split(',')) {
    const [first = '', last = first, ...more] = part.trim().split('..');
    if (!isQuarterName(first) || !isQuarterName(last) || more.length > 0 || last < first) {
      const detail = `${JSON.stringify(part)} names no quarters. Write 2019q1, or 2019q1..2019q4.`;
      throw new AppError('invalid', 'invalid_quarter', detail);
    }
    for (let name = first; name <= last; name = nextName(name)) {
      names.add(name);
      if (names.size > MOST_QUARTERS) {
        const detail = `${text} are more than ${MOST_QUARTERS} quarters. Ask for them in parts.`;
        throw new AppError('refused', 'too_many_quarters', detail);
      }
      if (name === last) break;
    }
  }
  return [...names].sort();
}
