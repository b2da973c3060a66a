import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyRows, loadTable } from '../../src/db/copy-in.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { query } from '../support/embedded.ts';

let home: TestDatabase;
let database: Database;

beforeAll(async () => {
  home = await createDatabase({ migrated: false });
  database = openDatabase({ databaseUrl: home.url, poolMax: 3 });
});

afterAll(async () => {
  await database?.close();
  await home?.drop();
});

const load = (name: string, rows: AsyncIterable<Buffer>, more: object = {}) =>
  loadTable(
    database,
    {
      create: `CREATE TABLE ${name} (n integer, words text, seen boolean DEFAULT true)`,
      schema: 'public',
      name,
      columns: ['n', 'words'],
      finish: `ALTER TABLE ${name} ADD CHECK (n > 0)`,
      beforeCommit: async () => {},
      ...more,
    },
    rows,
  );

/** CSV of so many rows, in one piece. */
function csv(rows: number): Buffer {
  const lines = Array.from({ length: rows }, (_, i) => {
    const n = i + 1;
    return `${n},${['', '""', `"a\n,""${'ü'.repeat(n % 50)}"`][n % 3]}\n`;
  });
  return Buffer.from(lines.join(''));
}

describe('a table that is loaded', () => {
  it('has all rows, NULL and empty texts told apart, and the defaults of what did not come', async () => {
    expect(await load('loaded', Readable.from([csv(5000)]))).toBe(5000n);
    const [found] = await query(
      home.url,
      `SELECT count(*)::int AS rows, count(*) FILTER (WHERE words IS NULL)::int AS nulls,
              count(*) FILTER (WHERE words = '')::int AS empty, bool_and(seen) AS seen,
              count(*) FILTER (WHERE words = E'a\\n,"' || repeat('ü', n % 50))::int AS texts FROM loaded`,
    );
    expect(found).toEqual({ rows: 5000, nulls: 1666, empty: 1667, seen: true, texts: 1667 });
  });

  it('takes chunks that end anywhere, and waits for the server', async () => {
    const bytes = csv(200_000);
    let sent = 0;
    async function* pieces() {
      for (let at = 0; at < bytes.length; at += 7919) {
        sent += 1;
        yield bytes.subarray(at, at + 7919);
      }
    }
    expect(await load('pieces', pieces())).toBe(200_000n);
    expect(sent).toBe(Math.ceil(bytes.length / 7919));
  });

  it('may have no rows', async () => {
    expect(await load('nothing', Readable.from([]))).toBe(0n);
  });

  it('is not there when its rows, the server, or the last question fails', async () => {
    async function* broken() {
      yield Buffer.from('1,a\n');
      throw new Error('the disk is gone');
    }
    await expect(load('broken', broken())).rejects.toMatchObject({
      detail: expect.stringContaining('the disk is gone'),
    });
    await expect(load('broken', Readable.from([Buffer.from('1,a\nx,b\n')]))).rejects.toMatchObject({
      kind: 'invalid',
      detail: expect.stringContaining('invalid input syntax for type integer'),
    });
    const beforeCommit = async () => {
      throw new Error('somebody else is at it');
    };
    await expect(load('broken', Readable.from([csv(10)]), { beforeCommit })).rejects.toThrow(
      'somebody else is at it',
    );
    await expect(load('broken', Readable.from([csv(10)]), { finish: 'SELECT 1/0' })).rejects.toMatchObject({
      kind: 'invalid',
    });
    expect(await query(home.url, "SELECT to_regclass('broken') AS found")).toEqual([{ found: null }]);
  });

  it('stops asking for rows when the server takes no more', async () => {
    let asked = 0;
    let closed = false;
    async function* endless() {
      try {
        for (;;) {
          asked += 1;
          yield Buffer.from('not a number,x\n'.repeat(5000));
        }
      } finally {
        closed = true;
      }
    }
    await expect(load('endless', endless())).rejects.toMatchObject({ kind: 'invalid' });
    await expect.poll(() => closed).toBe(true);
    expect(asked).toBeGreaterThan(0);
  });

  it('ends when it is asked to stop, and when its connection is cut', async () => {
    const stop = new AbortController();
    async function* rows(then: () => unknown) {
      yield Buffer.from('1,a\n');
      await then();
      for (;;) {
        yield Buffer.from('2,b\n'.repeat(10_000));
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    await expect(
      load(
        'stopped',
        rows(() => stop.abort()),
        { signal: stop.signal },
      ),
    ).rejects.toMatchObject({
      kind: 'aborted',
    });
    const cut = () =>
      query(
        home.url,
        `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
         WHERE datname = current_database() AND query LIKE 'COPY %' AND pid <> pg_backend_pid()`,
      );
    await expect(load('stopped', rows(cut))).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await query(home.url, "SELECT to_regclass('stopped') AS found")).toEqual([{ found: null }]);
  });
});

describe('copyRows', () => {
  it('leaves its connection usable after a failure', async () => {
    await database.withClient(async (client) => {
      await client.query('CREATE TEMPORARY TABLE t (n integer)');
      await expect(
        copyRows(client, 'COPY t FROM STDIN', Readable.from([Buffer.from('x\n')])),
      ).rejects.toThrow('invalid input syntax');
      expect(await copyRows(client, 'COPY t FROM STDIN', Readable.from([Buffer.from('1\n2\n')]))).toBe(2n);
      const { rows } = await client.query('SELECT sum(n)::int AS sum FROM t');
      expect(rows).toEqual([{ sum: 3 }]);
    });
  });
});
