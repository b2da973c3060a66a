import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { INDEX_LOCK } from '../../src/db/index-file-build.ts';
import { type Blocker, type OnBlocked, withNamedLock } from '../../src/db/locks.ts';
import { migrateUp } from '../../src/db/migrate.ts';
import { migrationDirectory } from '../../src/db/migration-files.ts';
import { migrationStatus } from '../../src/db/schema-version.ts';
import { type Book, openBook } from '../ledger/fixture.ts';
import { holdSnapshot, waitsInBuild } from './build-process.ts';
import { complete, EXAMPLE, indexesLike } from './fixture.ts';

const QUARTERS = ['2026q1', '2026q2'];
const settings = { timezone: 'UTC', ledgerSet: 'ledger' };

let book: Book;
let other: Database;
let directory: string;

beforeEach(async () => {
  book = await openBook({ poolMax: 4 });
  await book.ensureQuarters(new Date('2026-02-01'), new Date('2026-05-01'));
  // Two connections are all that `migrate up` has.
  other = openDatabase({ databaseUrl: book.url, poolMax: 2, applicationName: 'other-pod' });
  directory = await mkdtemp(join(tmpdir(), 'quartermaster-migrations-'));
  await cp(migrationDirectory(), directory, { recursive: true });
  await writeFile(join(directory, '9997_currency.build.sql'), EXAMPLE.text);
  await writeFile(join(directory, '9998_after.up.sql'), 'CREATE TABLE ledger.after (id integer)');
  await writeFile(join(directory, '9999_name.build.sql'), 'CREATE INDEX after_idx ON ledger.after (id)');
});

afterEach(async () => {
  await other.close();
  await book.close();
  await rm(directory, { recursive: true });
});

const up = (database: Database) => migrateUp(database.direct, settings, { directory });
const names = ['9997_currency', '9998_after', '9999_name'];

describe('a migration of indexes on a ledger with partitions', () => {
  it('is run by two pods at once, of which one builds, and both succeed', async () => {
    const letGo = await holdSnapshot(book.db);
    const first = up(book.database);
    first.catch(() => {});
    await waitsInBuild(book.db);
    const second = up(other);
    // The other one has come to where it has to wait and looks for whom, and does not hold what the first one waits for.
    const tries = async () => {
      const { rows } = await sql<{ n: number }>`
        SELECT count(*)::int AS n FROM pg_stat_activity
        WHERE application_name = 'other-pod' AND query LIKE '%pg_stat_progress_create_index%'`.execute(
        book.db,
      );
      return rows[0]?.n;
    };
    await expect.poll(tries, { timeout: 20_000, interval: 20 }).toBeGreaterThan(0);
    await letGo();
    const reports = await Promise.all([first, second]);
    expect(reports.flatMap(({ ran }) => ran).toSorted()).toEqual(names);
    expect(await indexesLike(book.db, '%currency_idx')).toEqual(complete(QUARTERS));
    expect((await migrationStatus(book.db, directory)).pending).toEqual([]);
  });

  it('says whom it waits for, and builds nothing that became needless meanwhile', async () => {
    const told: [readonly string[], readonly Blocker[]][] = [];
    const heard = Promise.withResolvers<void>();
    const onBlocked: OnBlocked = (what, blockers) => {
      told.push([what, blockers]);
      heard.resolve();
    };
    const waiting = await withNamedLock(book.database.direct, INDEX_LOCK, async (session) => {
      const migrating = migrateUp(other.direct, settings, { directory, onBlocked });
      migrating.catch(() => {});
      await Promise.race([heard.promise, migrating]);
      const { rows } = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(session);
      expect(told).toEqual([[['whoever builds indexes'], [expect.objectContaining({ pid: rows[0]?.pid })]]]);
      // However often it is tried within the minute, that is told once.
      const tries = new Set<string>();
      const countTries = async () => {
        const { rows: looks } = await sql<{ at: string }>`
          SELECT query_start::text AS at FROM pg_stat_activity
          WHERE application_name = 'other-pod' AND query LIKE '%pg_stat_progress_create_index%'`.execute(
          book.db,
        );
        for (const { at } of looks) tries.add(at);
        return tries.size;
      };
      await expect.poll(countTries, { timeout: 20_000, interval: 10 }).toBeGreaterThan(2);
      expect(told).toHaveLength(1);
      // What another pod leaves that has gone on to a migration which drops the index again.
      await sql`INSERT INTO quartermaster.migrations (name, timestamp) VALUES ('9997_currency', now()::text)`.execute(
        session,
      );
      return { migrating };
    });
    expect(await waiting.migrating).toEqual({ ran: ['9998_after', '9999_name'] });
    expect(await indexesLike(book.db, '%currency_idx')).toEqual([]);
  });

  it('goes on where its session was ended, and what comes behind it waits until it is whole', async () => {
    const letGo = await holdSnapshot(book.db);
    const first = up(other);
    first.catch(() => {});
    await sql`SELECT pg_terminate_backend(${await waitsInBuild(book.db)})`.execute(book.db);
    await expect(first).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'migration_failed',
      detail: /9997_currency failed; what was built of it stays/,
    });
    await letGo();
    expect((await migrationStatus(book.db, directory)).pending).toEqual(names);
    expect(await indexesLike(book.db, '%currency_idx')).toContainEqual(expect.stringContaining('INVALID'));
    expect(await up(other)).toEqual({ ran: names });
    expect(await indexesLike(book.db, '%currency_idx')).toEqual(complete(QUARTERS));
  });

  it('stops when it is asked to', async () => {
    const letGo = await holdSnapshot(book.db);
    const stop = new AbortController();
    const first = migrateUp(other.direct, settings, { directory, signal: stop.signal });
    first.catch(() => {});
    await waitsInBuild(book.db);
    stop.abort();
    await expect(first).rejects.toMatchObject({ code: 'aborted' });
    await letGo();
    expect(await up(book.database)).toEqual({ ran: names });
  });
});
