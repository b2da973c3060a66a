import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { auditIndexes } from '../../src/summaries/index-audit.ts';
import { thresholds } from '../../src/summaries/index-findings.ts';
import { reindex } from '../../src/summaries/index-reindex.ts';
import { type Book, openBook } from '../ledger/fixture.ts';
import { bloat, breakOne, invalidate } from './broken.ts';
import { holdRead } from './build-process.ts';
import { indexesLike } from './fixture.ts';

const limits = { ...thresholds, bloatBytes: 100_000n };

let book: Book;

beforeEach(async () => {
  book = await openBook({ poolMax: 4 });
  await book.ensureQuarters(new Date('2026-02-01'), new Date('2026-02-01'));
});

afterEach(() => book.close());

const ddl = (text: string) => sql.raw(text).execute(book.database.direct);

describe('what is bloated or broken', () => {
  it('takes no longer where somebody reads the table all the while, and leaves the sweep to the next run', async () => {
    await breakOne(book.database.direct);
    await ddl('DELETE FROM ledger.same');
    const letGo = await holdRead(book.db, 'ledger.same');
    const drops: string[] = [];
    const onStatement = (statement: string) => {
      if (statement.startsWith('DROP')) drops.push(statement);
    };
    const working = reindex(book.database, { limits, budget: 4, sweep: 1, onStatement });
    const report = await working.finally(letGo);
    // None is tried twice.
    expect(new Set(drops).size).toBe(drops.length);
    expect(report).toMatchObject({
      dropped: [],
      indexes: [{ index: 'ledger.broken', outcome: 'stopped' }],
      kept: [
        { index: 'ledger.broken_ccnew', detail: /for 1 s\. The next run tries again/ },
        { index: expect.stringMatching(/^ledger\.broken_cc/) },
      ],
    });
    expect((await reindex(book.database, { limits })).dropped).toEqual(report.kept.map(({ index }) => index));
    expect(await indexesLike(book.db, 'broken%')).toEqual(['broken valid on same']);
  });

  it('is looked for within the time too: what cannot be measured any more is estimated', async () => {
    await bloat(book.database.direct);
    const admin = openDatabase({ databaseUrl: book.adminUrl, poolMax: 1 });
    try {
      // A measure that does not end, under the name of the extension's.
      await sql
        .raw(`CREATE EXTENSION pgstattuple; ALTER EXTENSION pgstattuple DROP FUNCTION pgstatindex(regclass);
              CREATE OR REPLACE FUNCTION pgstatindex(relname regclass, OUT version int, OUT tree_level int, OUT index_size bigint,
                OUT root_block_no bigint, OUT internal_pages bigint, OUT leaf_pages bigint, OUT empty_pages bigint,
                OUT deleted_pages bigint, OUT avg_leaf_density float8, OUT leaf_fragmentation float8)
              LANGUAGE sql AS $$ SELECT 1, 1, 1::bigint, 1::bigint, 1::bigint, 1::bigint, 1::bigint, 1::bigint, 1::float8, 1::float8 FROM pg_sleep(3600) $$;
              GRANT EXECUTE ON FUNCTION pgstatindex(regclass) TO PUBLIC`)
        .execute(admin.direct);
      const report = await reindex(book.database, { limits, budget: 1 });
      expect(report).toMatchObject({ indexes: [], left: expect.arrayContaining(['ledger.big_note']) });
      const stop = AbortSignal.timeout(500);
      await expect(auditIndexes(book.database, { limits, signal: stop })).rejects.toMatchObject({
        code: 'aborted',
      });
    } finally {
      await admin.close();
    }
  });

  it('keeps no other from being built where a leftover cannot be dropped, which is told', async () => {
    await ddl(`CREATE TABLE ledger.same (a integer); CREATE UNIQUE INDEX kept_ccnew ON ledger.same (a);
               CREATE TABLE ledger.needs (a integer REFERENCES ledger.same (a))`);
    await invalidate(book.adminUrl, 'kept_ccnew');
    await bloat(book.database.direct);
    const report = await reindex(book.database, { limits });
    expect(report).toMatchObject({
      dropped: [],
      kept: [{ index: 'ledger.kept_ccnew', detail: /needs_a_fkey/ }],
      indexes: [{ outcome: 'rebuilt' }, { outcome: 'rebuilt' }],
    });
  });

  it('is built anew where it belongs to the index of a table, whatever its name', async () => {
    await ddl(`CREATE INDEX entries_amount_idx ON ONLY ledger.entries (amount);
               CREATE INDEX mine_ccnew ON ledger.entries_2026q1 (amount);
               ALTER INDEX ledger.entries_amount_idx ATTACH PARTITION ledger.mine_ccnew`);
    await invalidate(book.adminUrl, 'mine_ccnew');
    expect(await reindex(book.database, { limits })).toMatchObject({
      dropped: [],
      kept: [],
      indexes: [{ index: 'ledger.mine_ccnew', outcome: 'rebuilt' }],
    });
  });
});
