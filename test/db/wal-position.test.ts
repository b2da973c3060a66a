import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { createLagSamples } from '../../src/db/lag.ts';
import { readPosition } from '../../src/db/primary-position.ts';
import { endOfLastRecord, formatPosition, parsePosition } from '../../src/db/wal-position.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let test: TestDatabase;
let database: Database;

beforeAll(async () => {
  test = await createDatabase({ migrated: false });
  database = openDatabase({ databaseUrl: test.url, poolMax: 2 });
});

afterAll(async () => {
  await database?.close();
  await test?.drop();
});

const positions = fc.bigInt(0n, 2n ** 64n - 1n);

describe('a WAL position', () => {
  it('is read and written as PostgreSQL does, and has its order', async () => {
    const samples = fc.sample(fc.tuple(positions, positions), 500);
    // Neighbours, and halves that are alike, which chance does not bring.
    for (const [a] of samples.slice(0, 100)) samples.push([a, a], [a, a ^ 1n], [a, a ^ (1n << 32n)]);
    const [left, right] = [0, 1].map((side) => samples.map((pair) => formatPosition(pair[side] as bigint)));
    const { rows } = await sql<{ left: string; right: string; isLess: boolean }>`
      SELECT l::text AS left, r::text AS right, l < r AS "isLess"
      FROM unnest(${left}::pg_lsn[], ${right}::pg_lsn[]) AS pairs (l, r)`.execute(database.write);
    expect(rows).toEqual(
      samples.map(([a, b]) => ({ left: formatPosition(a), right: formatPosition(b), isLess: a < b })),
    );
    expect(rows.map((row) => parsePosition(row.left))).toEqual(samples.map(([a]) => a));
  });

  it.each([
    '',
    '/',
    '1',
    '1/',
    '/1',
    '1/G',
    '1/2/3',
    ' 1/2',
    '1/2\n',
    '-1/2',
    '123456789/0',
    '0/123456789',
    '１/2',
  ])('is not %j', (text) => {
    expect(parsePosition(text)).toBeUndefined();
  });

  it('of the last record is before the headers the next one comes behind', () => {
    // As PostgreSQL counts (xlog.c): bytes without headers, and from them where a record begins and where one ends.
    const shape = { pageBytes: 256, segmentBytes: 1024 };
    const perPage = shape.pageBytes - 24;
    const perSegment = (shape.segmentBytes / shape.pageBytes) * perPage - 16;
    const addressOf = (bytes: number, isEnd: boolean) => {
      const segment = Math.floor(bytes / perSegment) * shape.segmentBytes;
      const left = bytes % perSegment;
      if (left < perPage - 16) return segment + (left === 0 && isEnd ? 0 : left + 40);
      const inPages = left - (perPage - 16);
      const page = segment + shape.pageBytes * (1 + Math.floor(inPages / perPage));
      return page + (inPages % perPage === 0 && isEnd ? 0 : (inPages % perPage) + 24);
    };
    fc.assert(
      fc.property(fc.nat(4 * perSegment), (n) => {
        const bytes = n - (n % 8);
        expect(endOfLastRecord(BigInt(addressOf(bytes, false)), shape)).toBe(BigInt(addressOf(bytes, true)));
      }),
      { numRuns: 1000 },
    );
    expect(addressOf(0, false)).toBe(40);
    expect(addressOf(perPage - 16, false)).toBe(256 + 24);
  });

  it('of the primary covers what was committed before', async () => {
    await sql`CREATE TABLE IF NOT EXISTS moved (n int)`.execute(database.write);
    const before = await readPosition(database.write);
    await sql`INSERT INTO moved VALUES (1)`.execute(database.write);
    expect(await readPosition(database.write)).toBeGreaterThan(before);
  });
});

describe('lag', () => {
  // Time passes and WAL grows from sample to sample, or stands still.
  const histories = fc
    .array(fc.tuple(fc.nat(50), fc.nat(3)), { minLength: 1, maxLength: 40 })
    .map((steps) => {
      let [at, position] = [0, 0n];
      return steps.map(([ms, bytes]) => {
        at += ms;
        position += BigInt(bytes);
        return { at, position };
      });
    });

  it('is told from all samples as from those that are kept', () => {
    fc.assert(
      fc.property(
        histories,
        fc.integer({ min: 1, max: 200 }),
        fc.nat(60),
        fc.nat(120),
        (all, keepMs, later, seen) => {
          const samples = createLagSamples(keepMs);
          for (const { at, position } of all) samples.add(at, position);
          const now = (all.at(-1)?.at ?? 0) + later;
          const replayed = BigInt(seen);
          for (const behindMs of [keepMs, keepMs / 2]) {
            const floor = samples.floor(now, behindMs) as bigint;
            // The newest of those that old; where there is none the first of all.
            const old = all.findLast(({ at }) => at <= now - behindMs) ?? all[0];
            expect(floor).toBe(old?.position);
          }
          const lag = samples.lag(now, replayed);
          const isUpToDate = replayed >= (all.at(-1)?.position ?? 0n);
          const shown = all.findLast(({ position }) => position <= replayed);
          if (isUpToDate) expect(lag).toBe(0);
          else if (shown !== undefined && shown.at > now - keepMs) expect(lag).toBe(now - shown.at);
          else expect(lag).toBeGreaterThanOrEqual(Math.min(keepMs, now - (all[0]?.at ?? 0)));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('is unknown without a sample', () => {
    expect(createLagSamples(1000).floor(0, 1000)).toBeUndefined();
  });
});
