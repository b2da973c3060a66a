import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withSnapshot } from '../../src/db/copy.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let home: TestDatabase;
let database: Database;

beforeAll(async () => {
  home = await createDatabase({ migrated: false });
  database = openDatabase({ databaseUrl: home.url, poolMax: 2 });
});

afterAll(async () => {
  await database?.close();
  await home?.drop();
});

const copied = (select: string, onChunk: (chunk: Buffer, rows: number) => unknown = () => {}) =>
  withSnapshot(database, undefined, async (snapshot) => {
    const stream = snapshot.copy(select);
    const chunks: Buffer[] = [];
    for await (const chunk of stream) {
      chunks.push(chunk);
      await onChunk(chunk, stream.rows);
    }
    return { text: Buffer.concat(chunks).toString(), rows: stream.rows, chunks };
  });

describe('a copy', () => {
  it('is CSV in chunks that end where rows end, though there are line ends inside the rows', async () => {
    // Widths that leave rows across the ends of every buffer on the way, and some wider than a chunk.
    const { text, rows, chunks } = await copied(
      `SELECT n, E'a\\n,"' || repeat('x', n % 997), CASE n % 5000 WHEN 0 THEN repeat('y', 200000) END
       FROM generate_series(1, 20000) AS n`,
    );
    const lines = Array.from({ length: 20_000 }, (_, i) => {
      const n = i + 1;
      return `${n},"a\n,""${'x'.repeat(n % 997)}",${n % 5000 === 0 ? 'y'.repeat(200_000) : ''}\n`;
    });
    expect(rows).toBe(20_000);
    expect(text === lines.join('')).toBe(true);
    const ends = new Set<number>();
    lines.reduce((end, line) => {
      ends.add(end + line.length);
      return end + line.length;
    }, 0);
    let end = 0;
    for (const chunk of chunks) {
      end += chunk.length;
      expect(ends.has(end)).toBe(true);
    }
    expect(chunks.length).toBeLessThan(300);
  });

  it('has instants in UTC and ISO form, NULL as nothing and empty text in quotes', async () => {
    await database.withClient(async (client) => {
      await client.query(`ALTER ROLE CURRENT_USER SET TimeZone = 'Asia/Kathmandu'`);
      await client.query(`ALTER ROLE CURRENT_USER SET DateStyle = 'SQL, DMY'`);
    });
    const other = openDatabase({ databaseUrl: home.url, poolMax: 2 });
    try {
      const text = await withSnapshot(other, undefined, async (snapshot) =>
        Buffer.concat(
          await snapshot.copy(`SELECT '2024-01-02 03:04:05.678+00'::timestamptz, NULL, '', 'é'`).toArray(),
        ).toString(),
      );
      expect(text).toBe('2024-01-02 03:04:05.678+00,,"",é\n');
    } finally {
      await database.withClient((client) => client.query('ALTER ROLE CURRENT_USER RESET ALL'));
      await other.close();
    }
  });

  it('of nothing is no chunk', async () => {
    expect(await copied('SELECT 1 WHERE false')).toMatchObject({ text: '', rows: 0, chunks: [] });
  });

  it('sees one moment, and a row of a SELECT beside it', async () => {
    await database.withClient((client) => client.query('CREATE TABLE moment AS SELECT 1 AS n'));
    await withSnapshot(database, undefined, async (snapshot) => {
      expect(await snapshot.one('SELECT count(*)::int AS rows FROM moment')).toEqual({ rows: 1 });
      await database.withClient((client) => client.query('INSERT INTO moment VALUES (2)'));
      expect((await snapshot.copy('SELECT n FROM moment').toArray()).join('')).toBe('1\n');
      expect(await snapshot.one('SELECT count(*)::int AS rows FROM moment')).toEqual({ rows: 1 });
    });
  });

  it('keeps the server waiting while nobody takes the rows', async () => {
    await withSnapshot(database, undefined, async (snapshot) => {
      const stream = snapshot.copy(`SELECT repeat('x', 1000) FROM generate_series(1, 100000)`);
      const chunks = stream[Symbol.asyncIterator]();
      await chunks.next();
      let before = -1;
      while (stream.rows !== before) {
        before = stream.rows;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      // What is held here is four chunks and what node-postgres had read already; the other 99 MB are not sent.
      expect(stream.rows).toBeLessThan(5000);
      for (let next = await chunks.next(); !next.done; next = await chunks.next());
      expect(stream.rows).toBe(100_000);
    });
  });

  it('fails when the server refuses it, and the connection is given back in order', async () => {
    await expect(copied('SELECT nobody FROM nowhere')).rejects.toMatchObject({ code: 'not_migrated' });
    await expect(copied('SELECT 1 / (n - 500) FROM generate_series(1, 1000) AS n')).rejects.toMatchObject({
      code: 'invalid_value',
    });
    expect(await copied('SELECT 1')).toMatchObject({ text: '1\n' });
  });

  it('fails when its session is ended', async () => {
    const copying = copied(`SELECT repeat('x', 1000), generate_series(1, 1000000)`, async (_, rows) => {
      if (rows < 1000) return;
      await database.withClient((client) =>
        client.query(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND datname = current_database()",
        ),
      );
    });
    await expect(copying).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await copied('SELECT 1')).toMatchObject({ text: '1\n' });
  });

  it('stops when it is asked to, and the server is told', async () => {
    const stop = new AbortController();
    const copying = withSnapshot(database, stop.signal, async (snapshot) => {
      for await (const _ of snapshot.copy('SELECT generate_series(1, 100000000)')) stop.abort();
    });
    await expect(copying).rejects.toMatchObject({ code: 'aborted' });
    await expect(withSnapshot(database, stop.signal, async () => {})).rejects.toMatchObject({
      code: 'aborted',
    });
    const running = () =>
      database.withClient(async (client) => {
        const { rows } = await client.query(
          "SELECT FROM pg_stat_activity WHERE query LIKE 'COPY%' AND state = 'active' AND datname = current_database()",
        );
        return rows.length;
      });
    await expect.poll(running, { timeout: 10_000 }).toBe(0);
  });
});
