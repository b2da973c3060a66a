import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { auditIndexesJob } from '../../jobs/audit-indexes.ts';
import type { JobHouse } from '../../jobs/house.ts';
import { reindexJob } from '../../jobs/reindex.ts';
import { runInForeground } from '../../jobs/run.ts';
import { openDatabase } from '../../src/db/database.ts';
import { INDEX_LOCK } from '../../src/db/index-file-build.ts';
import { withNamedLock } from '../../src/db/locks.ts';
import { readConfig } from '../../src/platform/config.ts';
import { createLogger, type Logger } from '../../src/platform/logger.ts';
import { auditIndexes } from '../../src/summaries/index-audit.ts';
import { thresholds } from '../../src/summaries/index-findings.ts';
import { reindex } from '../../src/summaries/index-reindex.ts';
import { type Book, openBook } from '../ledger/fixture.ts';
import { bloat, breakOne } from './broken.ts';
import { holdSnapshot, sessionsGone, waitsInBuild } from './build-process.ts';
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
  it('is built anew one at a time, the leftovers dropped first, and the others left alone', async () => {
    await bloat(book.database.direct);
    await breakOne(book.database.direct);
    await ddl('DELETE FROM ledger.same');
    const statements: string[] = [];
    const onStatement = (statement: string) => void statements.push(statement);
    const report = await reindex(book.database, { limits, onStatement });
    expect(statements[0]).toBe('DROP INDEX CONCURRENTLY IF EXISTS "ledger"."broken_ccnew"');
    expect(statements.slice(1).sort()).toEqual([
      'REINDEX INDEX CONCURRENTLY "ledger"."big_note"',
      'REINDEX INDEX CONCURRENTLY "ledger"."big_pkey"',
      'REINDEX INDEX CONCURRENTLY "ledger"."broken"',
    ]);
    expect(report).toMatchObject({ dropped: ['ledger.broken_ccnew'], left: [] });
    expect(report.indexes.map(({ index, why, outcome }) => `${index} ${why} ${outcome}`).sort()).toEqual([
      'ledger.big_note bloated rebuilt',
      'ledger.big_pkey bloated rebuilt',
      'ledger.broken invalid rebuilt',
    ]);
    expect(report.freed).toBeGreaterThan(1_000_000n);
    expect(await indexesLike(book.db, 'b%')).not.toContainEqual(expect.stringContaining('INVALID'));
    expect(await reindex(book.database, { limits })).toEqual({
      dropped: [],
      kept: [],
      indexes: [],
      left: [],
      freed: 0n,
    });
  });

  it('of a partition is built anew and stays attached', async () => {
    await ddl(`
      INSERT INTO ledger.entries (ledger_id, account_id, created_at, version, transaction_id, amount, balance_after)
      SELECT 1, n, '2026-02-02', 1, gen_random_uuid(), 1, 1 FROM generate_series(1, 20000) AS n`);
    await ddl('ANALYZE ledger.entries_2026q1');
    // Nothing is ever deleted there; that most of it is empty is said by the statistics alone.
    const admin = book.database.direct;
    expect((await reindex(book.database, { limits })).indexes).toEqual([]);
    const broken = { ...limits, bloatShare: -1, bloatBytes: -1n };
    const { indexes } = await reindex({ direct: admin }, { limits: broken });
    expect(indexes.filter(({ outcome }) => outcome !== 'rebuilt')).toEqual([]);
    expect(indexes.map(({ index }) => index)).toContain('ledger.entries_2026q1_pkey');
    expect(await indexesLike(book.db, 'entries%pkey')).toEqual([
      'entries_2026q1_pkey valid on entries_2026q1 of entries_pkey',
      'entries_pkey valid on entries',
    ]);
  });

  it('that cannot be built is told with its rows, leaves nothing, and keeps no other from being built', async () => {
    await breakOne(book.database.direct);
    await bloat(book.database.direct);
    const { indexes } = await reindex(book.database, { limits });
    expect(indexes.map(({ outcome }) => outcome).sort()).toEqual(['failed', 'rebuilt', 'rebuilt']);
    expect(indexes.find(({ outcome }) => outcome === 'failed')).toMatchObject({
      index: 'ledger.broken',
      detail: /Key \(a\)=\(1\) is duplicated/,
    });
    expect(await indexesLike(book.db, '%\\_cc%')).toEqual([]);
  });

  it('is left for another time when there is none, and what was under way is swept up', async () => {
    await bloat(book.database.direct);
    expect(await reindex(book.database, { limits, budget: 0 })).toMatchObject({
      indexes: [],
      left: expect.arrayContaining(['ledger.big_note', 'ledger.big_pkey']),
    });
    // One that waits for somebody's snapshot gets no further until its time is over.
    const letGo = await holdSnapshot(book.db);
    const working = reindex(book.database, { limits, budget: 1 });
    await waitsInBuild(book.db, 'REINDEX');
    expect(await working).toMatchObject({
      indexes: [{ outcome: 'stopped', detail: /--hours/ }],
      left: [expect.any(String)],
    });
    await letGo();
    expect(await indexesLike(book.db, '%\\_cc%')).toEqual([]);
  });
});

describe('a run that is killed', () => {
  it.each(['its process', 'its session'])(
    'as %s dies leaves an index that the next run drops',
    async (what) => {
      await bloat(book.database.direct);
      const letGo = await holdSnapshot(book.db);
      const script = new URL('./reindex-child.ts', import.meta.url).pathname;
      const child = spawn(process.execPath, [script, book.url], { stdio: 'ignore' });
      const pid = await waitsInBuild(book.db, 'REINDEX');
      // While it works it is not taken for a leftover, by an audit nor by another run.
      await expect(reindex(book.database, { limits })).rejects.toMatchObject({ code: 'already_running' });
      if (what === 'its process') child.kill('SIGKILL');
      else await sql`SELECT pg_terminate_backend(${pid})`.execute(book.db);
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      await sessionsGone(book.db, 'reindex-child');
      await letGo();
      const [left] = await indexesLike(book.db, '%ccnew');
      expect(left).toMatch(/^big_\w+_ccnew INVALID/);
      const report = await reindex(book.database, { limits });
      expect(report.dropped).toEqual([`ledger.${left?.split(' ')[0]}`]);
      expect(report.indexes.map(({ outcome }) => outcome)).toEqual(['rebuilt', 'rebuilt']);
      expect(await indexesLike(book.db, '%\\_cc%')).toEqual([]);
    },
  );

  it('by a signal says that it was stopped', async () => {
    await bloat(book.database.direct);
    const letGo = await holdSnapshot(book.db);
    const stop = new AbortController();
    const working = reindex(book.database, { limits, signal: stop.signal });
    working.catch(() => {});
    await waitsInBuild(book.db, 'REINDEX');
    stop.abort();
    await expect(working).rejects.toMatchObject({ code: 'aborted' });
    await letGo();
    expect((await reindex(book.database, { limits })).dropped).toHaveLength(1);
  });

  it.each(['us', 'a role of which we are told nothing'])(
    'an index that is built anew by hand as %s is no leftover',
    async (who) => {
      await bloat(book.database.direct);
      const admin = openDatabase({ databaseUrl: book.adminUrl, poolMax: 2 });
      const letGo = await holdSnapshot(book.db);
      const by = who === 'us' ? book.database : admin;
      const byHand = sql.raw('REINDEX INDEX CONCURRENTLY ledger.big_note').execute(by.direct);
      await waitsInBuild(admin.write, 'REINDEX');
      expect(await indexesLike(book.db, 'big_note_ccnew')).toHaveLength(1);
      const statements: string[] = [];
      const onStatement = (statement: string) => {
        statements.push(statement);
        throw new Error('far enough');
      };
      await reindex(book.database, { limits, onStatement }).catch(() => {});
      expect(statements.filter((statement) => statement.startsWith('DROP'))).toEqual([]);
      expect((await auditIndexes(book.database)).findings).toEqual([]);
      await letGo();
      await byHand;
      await admin.close();
    },
  );
});

describe('the jobs', () => {
  const told: [string, unknown][] = [];
  const logger = {
    ...createLogger('silent'),
    child: () => logger,
    info: () => {},
    error: () => {},
    warn: (what: unknown, text: string) => void told.push([text, what]),
  } as unknown as Logger;
  const runJob = (name: string, env: Record<string, string> = {}) => {
    told.length = 0;
    const house = { database: book.database, config: readConfig(env) } as JobHouse;
    const jobs = [auditIndexesJob(house), reindexJob(house)];
    return runInForeground(jobs, name, {}, { logger, signal: new AbortController().signal });
  };

  it('warn of each finding, and report', async () => {
    await breakOne(book.database.direct);
    const report = await runJob('audit-indexes');
    expect(report).toMatchObject({
      findings: [{ kind: 'invalid' }, { kind: 'leftover' }],
      indexes: expect.any(Number),
    });
    expect(told.map(([text, what]) => `${text}: ${(what as { index: string }).index}`)).toEqual([
      'an index wants care: ledger.broken',
      'an index wants care: ledger.broken_ccnew',
    ]);
  });

  it('mend what is broken, and are loud about being off', async () => {
    await breakOne(book.database.direct);
    expect(await runJob('reindex', { QM_REINDEX: 'off' })).toEqual({
      off: expect.stringMatching(/QM_REINDEX is off/),
    });
    expect(told).toEqual([
      ['indexes are not cared for', { off: expect.stringMatching(/QM_REINDEX is off/) }],
    ]);
    expect(await indexesLike(book.db, 'broken%')).toHaveLength(2);
    expect(await runJob('reindex')).toMatchObject({
      dropped: ['ledger.broken_ccnew'],
      indexes: [{ outcome: 'failed' }],
    });
    expect(told.map(([text]) => text)).toEqual(['an index was not built anew']);
  });

  it('are refused while an index is built', async () => {
    await withNamedLock(book.database.direct, INDEX_LOCK, async () => {
      await expect(runJob('reindex')).rejects.toMatchObject({ kind: 'busy', code: 'already_running' });
    });
  });
});
