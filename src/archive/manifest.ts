import { createHash } from 'node:crypto';
import { AppError } from '../core/errors.ts';
import { isQuarterName, isZone } from '../core/quarter.ts';
import { FORMAT_VERSION, partPath } from './format.ts';
import { compareKeys, isKey } from './keys.ts';
import { count, list, nullable, object, oneOf, type Shape, text } from './shape.ts';

const NAME = text(/^[a-z][a-z0-9_]{0,62}$/, 'a name of lower-case letters, digits and _');
const SHA256 = text(/^[0-9a-f]{64}$/, '64 hex digits');
const AMOUNT = text(/^(0|[1-9]\d*)$/, 'a whole number in a string');
const UUID = text(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'a UUID');
const INSTANT = text(
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
  'an instant in UTC, as 2026-03-31T22:00:00.000Z',
);
const WORDS = text(/^[^\0]*$/, 'a text');

const DEED = object({ by: WORDS, at: INSTANT });

const FILE = object({
  /** Below the folder of the manifest. */
  path: text(/^[a-z0-9_]+\/part-\d{4,}\.parquet$/, 'a path as transactions/part-0000.parquet'),
  rows: count(),
  bytes: count(1),
  sha256: SHA256,
  /** Of its first and its last row, a text a column of the key; null when it has no row. */
  first_key: nullable(list(WORDS)),
  last_key: nullable(list(WORDS)),
});

const TABLE = object({
  name: NAME,
  kind: oneOf('quarter', 'context'),
  rows: count(),
  /** The content digest of src/core/digest.ts. */
  digest: text(/^[0-9a-f]{32}$/, '32 hex digits'),
  /** In this order the rows stand, from the first file to the last. */
  key: list(NAME),
  /** PostgreSQL's types, for a restore; those of Parquet are in the files. */
  columns: list(
    object({
      name: NAME,
      type: oneOf('integer', 'bigint', 'text', 'timestamptz', 'uuid', 'jsonb', 'bigint[]'),
    }),
  ),
  files: list(FILE),
});

const LEDGER = object({
  id: count(1),
  name: WORDS,
  currencies: list(
    object({
      currency: text(/^[A-Z][A-Z0-9]{2,11}$/, 'a currency'),
      /** Amounts are in minor units: 10 to this power make one of the currency. */
      exponent: count(),
      /** Of this currency, the failed ones included. */
      transactions: count(),
      failed: count(),
      debits: AMOUNT,
      credits: AMOUNT,
      /** The lowest and the highest id; null when there are only entries. */
      first_transaction: nullable(UUID),
      last_transaction: nullable(UUID),
    }),
  ),
});

const MANIFEST = object({
  format: oneOf('quartermaster-archive'),
  format_version: oneOf(FORMAT_VERSION),
  ledger_set: WORDS,
  quarter: text(/^\d{4}q[1-4]$/, 'a quarter as 2026q1'),
  /** Every instant from `starts_at` up to but without `ends_at`; the quarter of the zone. */
  starts_at: INSTANT,
  ends_at: INSTANT,
  zone: WORDS,
  closed: DEED,
  archived: object({
    by: WORDS,
    at: INSTANT,
    reason: nullable(WORDS),
    software: WORDS,
    /** Who asked for the archive and who of the others approved it; null where one person was enough. */
    requested_by: nullable(WORDS),
    requested_at: nullable(INSTANT),
    approved_by: nullable(WORDS),
    approved_at: nullable(INSTANT),
  }),
  /** The manifest written before this one, by the SHA-256 of its bytes; null for the first of the ledger set. */
  previous_manifest_sha256: nullable(SHA256),
  /** Of the tables of kind `quarter`, as they were when the quarter was closed. */
  digest: SHA256,
  tables: list(TABLE),
  ledgers: list(LEDGER),
});

/** What stands in `manifest.json`, by the names it has there. */
export type Manifest = Shape<typeof MANIFEST>;
export type ManifestTable = Shape<typeof TABLE>;
export type ManifestFile = Shape<typeof FILE>;
export type ManifestLedger = Shape<typeof LEDGER>;

/** The bytes of a manifest: the same one always gives the same. */
export function manifestText(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** How a manifest is named by the one after it, and by the database. */
export function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * A manifest as it was read from a store. Nothing in it is trusted: what is not as it has to be is refused, and so is
 * everything unknown. Whether the files are as it says is for `verifyArchive` to find out.
 *
 * @throws AppError corrupt/invalid_manifest
 * @throws AppError invalid/unsupported_format for one of a later version of the software
 */
export function parseManifest(bytes: Buffer): Manifest {
  const value = parse(bytes);
  const version = (value as { format_version?: unknown } | null)?.format_version;
  if (typeof version === 'number' && version > FORMAT_VERSION) {
    const detail = `The archive has format ${version}, and this version reads up to ${FORMAT_VERSION}. Use a later one.`;
    throw new AppError('invalid', 'unsupported_format', detail);
  }
  const manifest = MANIFEST(value, 'manifest');
  const fault = findFault(manifest);
  if (fault !== undefined) throw new AppError('corrupt', 'invalid_manifest', fault);
  return manifest;
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    const detail = `The manifest is not JSON: ${(cause as Error).message}.`;
    throw new AppError('corrupt', 'invalid_manifest', detail, { cause });
  }
}

/** What each member alone cannot show. */
function findFault({ quarter, zone, starts_at, ends_at, tables }: Manifest): string | undefined {
  if (!isQuarterName(quarter)) return `${quarter} is no quarter.`;
  if (!isZone(zone)) return `${zone} is no time zone.`;
  if (!(Date.parse(starts_at) < Date.parse(ends_at))) return `${quarter} ends before it starts.`;
  if (new Set(tables.map(({ name }) => name)).size < tables.length) return 'A table is there twice.';
  for (const table of tables) {
    const { name, columns, key, files, rows } = table;
    const names = columns.map((column) => column.name);
    if (new Set(names).size < names.length) return `A column of ${name} is there twice.`;
    if (!key.every((column) => names.includes(column))) return `The key of ${name} is not of its columns.`;
    if (files.length === 0) return `${name} has no file.`;
    if (files.some(({ path }, i) => path !== partPath(name, i)))
      return `The files of ${name} are not its parts in order.`;
    if (files.reduce((sum, file) => sum + file.rows, 0) !== rows)
      return `The files of ${name} have not ${rows} rows together.`;
    const fault = findKeyFault(table);
    if (fault !== undefined) return fault;
  }
}

/** A part that is looked for by its key has to be where the keys say, and none may reach into the next. */
function findKeyFault(table: ManifestTable): string | undefined {
  let before: readonly string[] | undefined;
  for (const { path, rows, first_key: first, last_key: last } of table.files) {
    if (rows === 0 && first === null && last === null) continue;
    if (rows === 0 || first === null || last === null)
      return `The keys of ${path} are not those of ${rows} rows.`;
    if (!isKey(table, first) || !isKey(table, last)) return `The keys of ${path} are none of ${table.name}.`;
    if (compareKeys(table, first, last) > 0) return `${path} ends before it begins.`;
    if (before !== undefined && compareKeys(table, before, first) >= 0)
      return `${path} begins before the part in front of it ends.`;
    before = last;
  }
}
