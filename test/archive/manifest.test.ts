import { describe, expect, it } from 'vitest';
import { type ArchiveTable, archiveTables, partPath } from '../../src/archive/format.ts';
import { keyColumns } from '../../src/archive/keys.ts';
import {
  type Manifest,
  type ManifestFile,
  manifestText,
  parseManifest,
  sha256,
} from '../../src/archive/manifest.ts';
import type { Column } from '../../src/core/tables.ts';

/** A key of the table; the greater the number, the later the key. */
function keyOf(table: ArchiveTable, n: number): string[] {
  const values: Partial<Record<Column['type'], string>> = {
    integer: '1',
    bigint: `${n}`,
    timestamptz: `2024-02-0${n + 1}T00:00:00.000001Z`,
    uuid: `018cc251-f400-7000-8000-00000000000${n}`,
  };
  return keyColumns(table).map(({ type }) => values[type] ?? `A${n}`);
}

const manifest: Manifest = {
  format: 'quartermaster-archive',
  format_version: 1,
  ledger_set: 'ledger',
  quarter: '2024q1',
  starts_at: '2023-12-31T23:00:00.000Z',
  ends_at: '2024-03-31T22:00:00.000Z',
  zone: 'Europe/Paris',
  closed: { by: 'Zoë "z" \u2028', at: '2024-04-11T00:00:00.000Z' },
  archived: {
    by: 'schedule',
    at: '2024-04-11T01:00:00.000Z',
    reason: null,
    software: 'quartermaster 0.1.0',
    requested_by: 'ada',
    requested_at: '2024-04-11T00:30:00.000Z',
    approved_by: 'bob',
    approved_at: '2024-04-11T00:45:00.000Z',
  },
  previous_manifest_sha256: null,
  digest: 'd'.repeat(64),
  tables: archiveTables.map((table) => ({
    ...table,
    rows: 5,
    digest: 'a'.repeat(32),
    files: [3, 2].map((rows, i) => ({
      path: partPath(table.name, i),
      rows,
      bytes: 100,
      sha256: 'b'.repeat(64),
      first_key: keyOf(table, 2 * i),
      last_key: keyOf(table, 2 * i + 1),
    })),
  })),
  ledgers: [
    {
      id: 1,
      name: 'council',
      currencies: [
        {
          currency: 'EUR',
          exponent: 2,
          transactions: 5,
          failed: 1,
          debits: '9223372036854775808',
          credits: '9223372036854775808',
          first_transaction: '018cc251-f400-7000-8000-000000000001',
          last_transaction: null,
        },
      ],
    },
  ],
};

const parse = (value: unknown) => parseManifest(Buffer.from(JSON.stringify(value)));
const invalid = (detail: RegExp) =>
  expect.objectContaining({
    kind: 'corrupt',
    code: 'invalid_manifest',
    detail: expect.stringMatching(detail),
  });

/** Every place in the manifest, as the way to it. */
function placesIn(value: unknown, way: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [way];
  const inside = Object.entries(value).flatMap(([name, one]) =>
    placesIn(one, [...way, Array.isArray(value) ? Number(name) : name]),
  );
  return [way, ...inside];
}

function replaced(value: unknown, [first, ...rest]: (string | number)[], by: unknown): unknown {
  if (first === undefined) return by;
  const copy = structuredClone(value) as Record<string | number, unknown>;
  copy[first] = replaced(copy[first], rest, by);
  return copy;
}

describe('a manifest', () => {
  it('is written and read again', () => {
    const text = manifestText(manifest);
    expect(parseManifest(Buffer.from(text))).toEqual(manifest);
    expect(sha256(text)).toBe(sha256(Buffer.from(text)));
  });

  it('of a later format is not guessed at', () => {
    expect(() => parse({ format_version: 2, something: 'else' })).toThrow(
      expect.objectContaining({ kind: 'invalid', code: 'unsupported_format' }),
    );
  });

  it('is refused when any of its members is of another kind', () => {
    // A text where there may be any text is the one thing nobody can tell from another.
    const others = [undefined, {}, [], -1, 0.5, 2 ** 60, true, 'Z', '\0'];
    for (const way of placesIn(manifest).slice(1)) {
      const name = String(way.at(-1));
      for (const other of others) {
        if (other === 'Z' && /by|name|reason|software|ledger_set/.test(name)) continue;
        // The code of a currency is any text; that the keys ascend is tried below.
        if (other === 'Z' && way[1] === 4 && way.some((part) => /_key$/.test(String(part)))) continue;
        // No ledger, no table and no key are not right, but for whoever reads the files to find out.
        if (Array.isArray(other) && /tables|ledgers|currencies|key/.test(name)) continue;
        const changed = replaced(manifest, way, other);
        expect(() => parse(changed), `${way.join('.')} = ${other}`).toThrow(
          expect.objectContaining({ code: expect.stringMatching(/^(invalid_manifest|unsupported_format)$/) }),
        );
      }
    }
  });

  it('is refused with a member that nobody knows', () => {
    expect(() => parse({ ...manifest, note: '' })).toThrow(invalid(/manifest\.note must be left out/));
    const files = manifest.tables[0]?.files.map((file) => ({ ...file, url: 'https://' }));
    expect(() => parse({ ...manifest, tables: [{ ...manifest.tables[0], files }] })).toThrow(
      invalid(/tables\[0\]\.files\[0\]\.url must be left out/),
    );
  });

  it('is refused when its parts do not fit each other', () => {
    const [first] = manifest.tables;
    const withTable = (change: object) => ({ ...manifest, tables: [{ ...first, ...change }] });
    expect(() => parse({ ...manifest, ends_at: manifest.starts_at })).toThrow(
      invalid(/ends before it starts/),
    );
    expect(() => parse({ ...manifest, zone: 'Mars/Olympus' })).toThrow(invalid(/no time zone/));
    expect(() => parse({ ...manifest, quarter: '0000q1' })).toThrow(invalid(/no quarter/));
    expect(() => parse({ ...manifest, tables: [first, first] })).toThrow(invalid(/A table is there twice/));
    expect(() => parse(withTable({ rows: 6 }))).toThrow(invalid(/have not 6 rows together/));
    expect(() => parse(withTable({ files: [] }))).toThrow(invalid(/has no file/));
    expect(() => parse(withTable({ key: ['nobody'] }))).toThrow(invalid(/not of its columns/));
    expect(() => parse(withTable({ columns: [...(first?.columns ?? []), first?.columns[0]] }))).toThrow(
      invalid(/A column of transactions is there twice/),
    );
    const withKeys = (change: (file: ManifestFile, i: number) => object) =>
      parse(withTable({ files: first?.files.map((file, i) => ({ ...file, ...change(file, i) })) }));
    expect(() => withKeys((_, i) => (i === 0 ? { first_key: null } : {}))).toThrow(
      invalid(/not those of 3 rows/),
    );
    expect(() => withKeys((file) => ({ last_key: [...(file.last_key ?? []), '1'] }))).toThrow(
      invalid(/none of transactions/),
    );
    expect(() => withKeys((file) => ({ first_key: file.last_key, last_key: file.first_key }))).toThrow(
      invalid(/ends before it begins/),
    );
    expect(() => withKeys((file, i) => (i === 1 ? { first_key: first?.files[0]?.last_key } : file))).toThrow(
      invalid(/begins before the part in front of it ends/),
    );
    const outside = first?.files.map((file) => ({ ...file, path: 'entries/part-0000.parquet' }));
    expect(() => parse(withTable({ files: outside }))).toThrow(invalid(/not its parts in order/));
    const above = first?.files.map((file) => ({ ...file, path: '../part-0000.parquet' }));
    expect(() => parse(withTable({ files: above }))).toThrow(invalid(/must be a path as/));
  });

  it('is refused when it is no JSON, or not UTF-8', () => {
    expect(() => parseManifest(Buffer.from('{'))).toThrow(invalid(/not JSON/));
    expect(() => parseManifest(Buffer.from([0x22, 0xff, 0x22]))).toThrow(invalid(/not JSON/));
    expect(() => parseManifest(Buffer.alloc(0))).toThrow(invalid(/not JSON/));
    expect(() => parse(null)).toThrow(invalid(/manifest must be an object/));
  });
});
