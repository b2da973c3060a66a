import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { buildIndexFile } from '../../src/db/index-file-build.ts';
import { auditIndexes } from '../../src/summaries/index-audit.ts';
import { type Book, openBook } from '../ledger/fixture.ts';
import { ensureQuarters } from '../ledger/quarters.ts';
import { migrateUp } from '../support/migrate.ts';
import { startServer } from '../support/server.ts';
import { holdSnapshot, sessionsGone, startBuild, waitsInBuild } from './build-process.ts';
import { complete, EXAMPLE, indexesLike } from './fixture.ts';

const QUARTERS = ['2026q1', '2026q2', '2026q3'];

let book: Book;

beforeEach(async () => {
  book = await openBook({ poolMax: 4 });
  await book.ensureQuarters(new Date('2026-02-01'), new Date('2026-08-01'));
});

afterEach(() => book.close());

const goOn = () => buildIndexFile(book.database.direct, EXAMPLE);
const all = () => indexesLike(book.db, '%currency_idx');

describe('a build that is killed', () => {
  // The table's index, and of each partition the build and the attach.
  it.each([0, 1, 2, 3, 4, 5, 6])('before statement %i is gone on with', async (dieBefore) => {
    expect(await startBuild(book.url, dieBefore).ended).toBe('SIGKILL');
    await sessionsGone(book.db, 'build-child');
    const [report] = await goOn();
    expect(await all()).toEqual(complete(QUARTERS));
    // What was built is not built again: before statement 2, 4 and 6 one more partition was.
    expect(report?.built).toHaveLength(QUARTERS.length - Math.floor(dieBefore / 2));
    expect(report?.attached).toHaveLength(dieBefore > 0 && dieBefore % 2 === 0 ? 1 : 0);
    expect(report?.dropped).toEqual([]);
  });

  it.each([
    ['its process', 0],
    ['its process', 2],
    ['its session', 0],
    ['its session', 1],
    ['its session', 2],
  ])(
    'as %s dies in the middle of partition %i leaves an invalid index, which is built anew',
    async (what, at) => {
      // What stands before in order is built already, so that the kill finds the one that is meant.
      for (const quarter of QUARTERS.slice(0, at)) {
        await sql
          .raw(
            `CREATE INDEX transactions_${quarter}_currency_idx ON ledger.transactions_${quarter} (ledger_id, currency, created_at DESC)`,
          )
          .execute(book.db);
      }
      const letGo = await holdSnapshot(book.db);
      const { child, ended } = startBuild(book.url);
      const pid = await waitsInBuild(book.db);
      if (what === 'its process') child.kill('SIGKILL');
      else await sql`SELECT pg_terminate_backend(${pid})`.execute(book.db);
      await ended;
      await sessionsGone(book.db, 'build-child');
      await letGo();
      const name = `transactions_${QUARTERS[at]}_currency_idx`;
      expect(await all()).toContain(`${name} INVALID on transactions_${QUARTERS[at]}`);

      const [report] = await goOn();
      expect(report).toMatchObject({ dropped: [`ledger.${name}`] });
      expect(report?.built).toHaveLength(QUARTERS.length - at);
      expect(await all()).toEqual(complete(QUARTERS));
    },
  );

  it('is told apart from one that still goes on', async () => {
    const letGo = await holdSnapshot(book.db);
    const { ended } = startBuild(book.url);
    await waitsInBuild(book.db);
    await expect(goOn()).rejects.toMatchObject({ kind: 'busy', code: 'already_running' });
    await letGo();
    expect(await ended).toBeNull();
    expect(await all()).toEqual(complete(QUARTERS));
  });

  it('and one that somebody else builds by hand is left to them', async () => {
    const letGo = await holdSnapshot(book.db);
    const byHand = sql
      .raw(
        'CREATE INDEX CONCURRENTLY transactions_2026q1_currency_idx ON ledger.transactions_2026q1 (ledger_id, currency, created_at DESC)',
      )
      .execute(book.database.direct);
    const pid = await waitsInBuild(book.db);
    await expect(goOn()).rejects.toMatchObject({
      code: 'index_being_built',
      detail: new RegExp(
        `Session ${pid} builds an index of ledger.transactions_2026q1 .* transactions_2026q1_currency_idx is not valid yet`,
      ),
    });
    await letGo();
    await byHand;
    expect((await goOn())[0]?.attached).toEqual(['ledger.transactions_2026q1_currency_idx']);
    expect(await all()).toEqual(complete(QUARTERS));
  });

  it.each([[QUARTERS], [QUARTERS.slice(0, 1)]])(
    'leaves nothing behind where another index was made instead, on %s',
    async (replaced) => {
      const letGo = await holdSnapshot(book.db);
      const { ended } = startBuild(book.url);
      await sql`SELECT pg_terminate_backend(${await waitsInBuild(book.db)})`.execute(book.db);
      await ended;
      await letGo();
      // As `reconcile --fix` does; where it is done on all partitions the table's index is complete.
      for (const quarter of replaced) {
        await sql
          .raw(
            `CREATE INDEX fix_${quarter} ON ledger.transactions_${quarter} (ledger_id, currency, created_at DESC)`,
          )
          .execute(book.db);
        await sql
          .raw(`ALTER INDEX ledger.transactions_currency_idx ATTACH PARTITION ledger.fix_${quarter}`)
          .execute(book.db);
      }
      const name = 'transactions_2026q1_currency_idx';
      const { findings } = await auditIndexes(book.database);
      expect(findings).toMatchObject([
        { kind: 'leftover', index: `ledger.${name}`, mend: `DROP INDEX CONCURRENTLY ledger.${name}` },
      ]);
      const [report] = await goOn();
      expect(report).toMatchObject({ wasThere: false, dropped: [`ledger.${name}`] });
      expect(report?.built).toHaveLength(QUARTERS.length - replaced.length);
      expect(await goOn()).toMatchObject([{ wasThere: true }]);
      expect((await auditIndexes(book.database)).findings).toEqual([]);
    },
  );

  it('and stops when it is asked to, saying so', async () => {
    const letGo = await holdSnapshot(book.db);
    const stop = new AbortController();
    const building = buildIndexFile(book.database.direct, EXAMPLE, { signal: stop.signal });
    building.catch(() => {});
    await waitsInBuild(book.db);
    stop.abort();
    await expect(building).rejects.toMatchObject({ code: 'aborted' });
    await letGo();
    await goOn();
    expect(await all()).toEqual(complete(QUARTERS));
  });
});

it('a build whose server is killed is gone on with when it is back', async () => {
  const server = await startServer();
  const database = openDatabase({ databaseUrl: server.url, poolMax: 4 });
  try {
    await migrateUp({ url: server.url, zone: 'UTC' });
    await ensureQuarters(database, 'UTC', new Date('2026-02-01'), new Date('2026-08-01'));
    const holder = openDatabase({ databaseUrl: server.url, poolMax: 1 });
    const letGo = await holdSnapshot(holder.write);
    const { ended } = startBuild(server.url);
    await waitsInBuild(database.write);
    await server.kill('SIGKILL');
    await ended;
    await letGo().catch(() => {});
    await holder.close();
    await server.restart();
    expect(await indexesLike(database.write, 'transactions_2026q1_currency_idx')).toEqual([
      'transactions_2026q1_currency_idx INVALID on transactions_2026q1',
    ]);
    const [report] = await buildIndexFile(database.direct, EXAMPLE);
    expect(report?.dropped).toEqual(['ledger.transactions_2026q1_currency_idx']);
    expect(await indexesLike(database.write, '%currency_idx')).toEqual(complete(QUARTERS));
  } finally {
    await database.close();
    await server.stop();
  }
});
