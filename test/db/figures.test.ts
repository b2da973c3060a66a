import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { type Figures, readFigures } from '../../src/db/figures.ts';
import { PENDING_DETACH, recordMeasurements, recordSightings, tally } from '../../src/db/measurements.ts';
import { type Book, closeQuarter, openBook } from '../ledger/fixture.ts';
import { createDatabase } from '../support/database.ts';

function read(book: Book): Promise<Figures> {
  return book.database.withClient((client) => readFigures(client, { zone: 'UTC', db: book.db }));
}

describe('a reading of figures', () => {
  let book: Book;
  beforeAll(async () => {
    book = await openBook({ poolMax: 4 });
    await book.ensureQuarters(new Date('2024-01-01T00:00:00Z'), new Date('2024-12-31T00:00:00Z'));
  });
  afterAll(() => book?.close());

  it('needs no queues, and no rights beyond those of the application', async () => {
    const { rows } = await sql<{ super: boolean; monitor: boolean; connections: number; max: number }>`
      SELECT current_setting('is_superuser') = 'on' AS super,
             pg_has_role(current_user, 'pg_read_all_stats', 'MEMBER') AS monitor,
             (SELECT count(*) FROM pg_stat_activity WHERE datname IS NOT NULL)::integer AS connections,
             current_setting('max_connections')::integer AS max`.execute(book.db);
    expect(rows[0]).toMatchObject({ super: false, monitor: false });
    const figures = await read(book);
    expect(figures.queues).toEqual([]);
    expect(figures.server.connections).toBeGreaterThan(0);
    expect(figures.server.limit).toBeLessThan(rows[0]?.max ?? 0);
    expect(figures.freeze.limit).toBe(200_000_000);
    expect(figures.freeze.age).toBeGreaterThan(0);
    expect(figures.archives).toEqual({ count: 0, bytes: 0, rows: {}, readAt: null });
  });

  it('knows since when an archive was not read, of those that are not known to be damaged', async () => {
    const archive = (quarter: string, written: string, verified: string | null) => sql`
      INSERT INTO quartermaster.archives (quarter, location, format_version, manifest_sha256, digest, rows, bytes,
                                          written_at, verified_at)
      VALUES (${quarter}, 'x', 1, ${'a'.repeat(64)}, ${'a'.repeat(64)}, 1, 100, ${written}, ${verified})`;
    await sql`INSERT INTO quartermaster.quarters (quarter, starts_at, ends_at)
      VALUES ('2019q1', '2019-01-01Z', '2019-04-01Z'), ('2019q2', '2019-04-01Z', '2019-07-01Z')`.execute(
      book.db,
    );
    await archive('2019q1', '2020-01-01T00:00Z', '2025-01-01T00:00Z').execute(book.db);
    await archive('2019q2', '2021-01-01T00:00Z', null).execute(book.db);
    const readAt = async () => (await read(book)).archives.readAt;
    expect(await readAt()).toEqual(new Date('2021-01-01T00:00Z'));
    await sql`INSERT INTO quartermaster.quarter_events (quarter, event, actor, detail)
      VALUES ('2019q2', 'verify_failed', 'test', '{}')`.execute(book.db);
    expect(await readAt()).toEqual(new Date('2025-01-01T00:00Z'));
    expect((await read(book)).archives).toMatchObject({ count: 2, bytes: 200 });
    await sql`DELETE FROM quartermaster.archives`.execute(book.db);
  });

  it('has every partition with the size of its files', async () => {
    await sql`
      INSERT INTO ledger.entries (ledger_id, account_id, created_at, version, transaction_id, amount, balance_after)
      SELECT ${book.ledger.id}, n, '2024-02-02T00:00:00Z', 1, gen_random_uuid(), 1, 1 FROM generate_series(1, 2000) AS n`.execute(
      book.db,
    );
    await closeQuarter(book, '2024q2');
    const { partitions } = await read(book);
    expect(
      partitions.map(({ name, quarter, attachment, fenced }) => [name, quarter, attachment, fenced]),
    ).toEqual(
      expect.arrayContaining([
        ['entries_2024q1', '2024q1', 'attached', false],
        ['transactions_2024q2', '2024q2', 'attached', true],
      ]),
    );
    expect(partitions).toHaveLength(8);
    const { rows } = await sql<{ bytes: bigint }>`
      SELECT pg_total_relation_size('ledger.entries_2024q1') AS bytes`.execute(book.db);
    const entries = partitions.find(({ name }) => name === 'entries_2024q1');
    expect(entries?.bytes).toBe(Number(rows[0]?.bytes));
    expect(entries?.bounds).toEqual({
      from: new Date('2024-01-01T00:00:00Z'),
      to: new Date('2024-04-01T00:00:00Z'),
    });
  });

  it('waits for nobody who keeps everybody out of a partition, or of its index', async () => {
    await sql`ANALYZE ledger.entries_2024q1`.execute(book.db);
    const { rows } = await sql<{
      bytes: bigint;
    }>`SELECT pg_relation_size('ledger.entries_2024q1') AS bytes`.execute(book.db);
    const sizeOf = (figures: Figures) =>
      figures.partitions.find(({ name }) => name === 'entries_2024q1')?.bytes;
    const whole = sizeOf(await read(book)) ?? 0;
    for (const lock of [
      sql`LOCK TABLE ledger.entries_2024q1 IN ACCESS EXCLUSIVE MODE`,
      sql`REINDEX INDEX ledger.entries_2024q1_pkey`,
    ]) {
      const trx = await book.database.direct.startTransaction().execute();
      try {
        await lock.execute(trx);
        expect(sizeOf(await read(book))).toBe(Number(rows[0]?.bytes));
      } finally {
        await trx.rollback().execute();
      }
    }
    expect(sizeOf(await read(book))).toBe(whole);
  });

  it('gives up soon when somebody keeps it from a table of the state', async () => {
    const trx = await book.database.direct.startTransaction().execute();
    onTestFinished(async () => {
      await trx.rollback().execute();
    });
    await sql`LOCK TABLE quartermaster.quarters IN ACCESS EXCLUSIVE MODE`.execute(trx);
    await expect(read(book)).rejects.toMatchObject({ code: '55P03' });
  });

  it('counts no age of a quarter that is frozen away', async () => {
    const age = async (name: string) => {
      const { rows } = await sql<{ age: number }>`
        SELECT greatest(age(c.relfrozenxid), age(t.relfrozenxid)) AS age
        FROM pg_class AS c LEFT JOIN pg_class AS t ON t.oid = c.reltoastrelid
        WHERE c.oid = to_regclass(${`ledger.${name}`})`.execute(book.db);
      return rows[0]?.age ?? 0;
    };
    // The oldest are the tables of the template; by them alone the partitions are told apart.
    await book.database.withClient((client) => client.query('VACUUM (FREEZE)'));
    for (let i = 0; i < 20; i++) await sql`SELECT pg_current_xact_id()`.execute(book.db);
    await book.database.withClient(async (client) => {
      const { rows } = await client.query<{ name: string }>(
        `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
         WHERE schemaname IN ('ledger', 'quartermaster') AND tablename NOT IN ('transactions', 'entries', 'transactions_2024q2')`,
      );
      for (const { name } of rows) await client.query(`VACUUM (FREEZE) ${name}`);
    });
    const old = await age('transactions_2024q2');
    expect((await read(book)).freeze.age).toBeGreaterThanOrEqual(old);
    await sql`UPDATE quartermaster.quarters SET frozen_at = now() WHERE quarter = '2024q2'`.execute(book.db);
    expect((await read(book)).freeze.age).toBeLessThan(old);
  });

  it('has when an open quarter was created, which may be long after its end', async () => {
    const event = (quarter: string, name: string, at: string) => sql`
      INSERT INTO quartermaster.quarter_events (quarter, event, actor, at) VALUES (${quarter}, ${name}, 'test', ${at})`;
    // One that is open, and one that was closed.
    for (const quarter of ['2024q1', '2024q2'])
      await event(quarter, 'create', '2026-06-06Z').execute(book.db);
    await event('2024q1', 'hold', '2026-07-07Z').execute(book.db);
    const { quarters } = await read(book);
    const opened = (quarter: string) => quarters.find((one) => one.quarter === quarter)?.opened_at;
    expect(opened('2024q1')).toEqual(new Date('2026-06-06Z'));
    expect(opened('2024q2')).toBeNull();
    expect(opened('2024q3')).toBeNull();
  });

  it('has what was measured, the last of each name and nothing that is over', async () => {
    const rows = tally(['a', 'b', 'a'], (one) => one);
    expect(rows).toEqual([
      { label: 'a', value: 2 },
      { label: 'b', value: 1 },
    ]);
    await recordMeasurements(book.db, 'drift', rows);
    await recordMeasurements(book.db, 'other', [{ label: '', value: 0.5 }]);
    await Promise.all([
      recordMeasurements(book.db, 'drift', [{ label: 'b', value: 7 }]),
      recordMeasurements(book.db, 'drift', [{ label: 'b', value: 7 }]),
    ]);
    const measured = async () => (await read(book)).measurements.map((one) => ({ ...one })).sort(byName);
    expect(await measured()).toEqual([
      { metric: 'drift', label: 'b', value: 7 },
      { metric: 'other', label: '', value: 0.5 },
    ]);
    await recordMeasurements(book.db, 'drift', []);
    await recordMeasurements(book.db, 'other', []);
    expect(await measured()).toEqual([]);
  });

  it('has since when something was seen, by who saw it first', async () => {
    const sight = (seen: string[], gone: string[]) =>
      book.database.withClient((client) => recordSightings(client, PENDING_DETACH, seen, gone));
    const seen = async () => (await read(book)).measurements.find(({ label }) => label === 'x')?.value;
    await sight(['x', 'y'], []);
    await sql`UPDATE quartermaster.measurements SET measured_at = now() - interval '1 hour' WHERE label = 'x'`.execute(
      book.db,
    );
    await sight(['x'], ['y']);
    expect(await seen()).toBeGreaterThanOrEqual(3600);
    await sight([], ['x']);
    expect(await seen()).toBeUndefined();
  });

  it('has the days that wait to be summed up, but those of quarters that have left', async () => {
    await sql`
      INSERT INTO quartermaster.summary_marks (ledger_id, day, marked_at) VALUES
        (1, '2024-02-02', now() - interval '10 minutes'), (1, '2024-02-02', now()), (2, '2024-02-02', now()),
        (1, '2024-12-01', now() - interval '2 days'), (1, '2024-09-30', now())`.execute(book.db);
    await sql`UPDATE quartermaster.quarters SET state = 'dropped' WHERE quarter = '2024q4'`.execute(book.db);
    const { summaries } = await read(book);
    expect(summaries.days).toBe(3);
    expect(summaries.seconds).toBeGreaterThanOrEqual(600);
    expect(summaries.seconds).toBeLessThan(86_400);
  });
});

it('a reading of figures is one of an empty database, right after its first migration', async () => {
  const created = await createDatabase();
  const database = openDatabase({ databaseUrl: created.url, poolMax: 2 });
  onTestFinished(async () => {
    await database.close();
    await created.drop();
  });
  const figures = await database.withClient((client) =>
    readFigures(client, { zone: 'UTC', db: database.write }),
  );
  expect(figures).toMatchObject({ partitions: [], quarters: [], outcomes: [], measurements: [] });
  expect(figures.summaries).toEqual({ days: 0, seconds: 0 });
});

function byName(a: { metric: string }, b: { metric: string }): number {
  return a.metric < b.metric ? -1 : 1;
}
