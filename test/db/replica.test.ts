import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { runQuery } from '../../src/db/adhoc.ts';
import { ReplicaFailure } from '../../src/db/replica.ts';
import type { Db } from '../../src/db/schema.ts';
import { formatPosition, parsePosition } from '../../src/db/wal-position.ts';
import { query } from '../support/embedded.ts';
import type { Replication } from '../support/replica.ts';
import { look, patient, roleOf, routed, startServers, stateIs, until, write } from './replica-fixture.ts';

let servers: Replication;

beforeAll(async () => {
  servers = await startServers();
});

afterAll(async () => {
  await servers?.stop();
});

describe('a read', () => {
  it('goes to the replica by its class', async () => {
    const { router, routes } = await routed(servers);
    for (const kind of ['list', 'statement', 'summary'] as const) {
      expect(await router.read(kind, {}, roleOf)).toBe('replica');
    }
    expect(await router.read('point', {}, roleOf)).toBe('primary');
    expect(routes).toEqual([
      { kind: 'list', server: 'replica' },
      { kind: 'statement', server: 'replica' },
      { kind: 'summary', server: 'replica' },
      { kind: 'point', server: 'primary', why: 'class' },
    ]);
  });

  it('may send statements side by side, and cannot write', async () => {
    const { router, db } = await routed(servers);
    const both = await router.read('list', {}, (replica) => Promise.all([roleOf(replica), look(replica)]));
    expect(both).toMatchObject(['replica', { role: 'replica' }]);
    const insert = (to: Db) => sql`INSERT INTO public.seen VALUES (-1)`.execute(to);
    // On the replica it is refused, and done where it can be: that it was declared a read is the mistake.
    await router.read('list', {}, insert);
    expect((await sql`SELECT FROM public.seen WHERE n = -1`.execute(db)).rows).toHaveLength(1);
  });

  it('sees what is replayed after it has begun, and so what was replayed when it asked', async () => {
    const both = await routed(servers);
    const seen = await both.router.read('list', {}, async (replica) => {
      expect(await roleOf(replica)).toBe('replica');
      const { n } = await write(both);
      await servers.replica.caughtUp();
      return { n, ...(await look(replica)) };
    });
    expect(seen).toEqual({ n: seen.n, role: 'replica', seen: seen.n });
  });

  it('cannot begin a transaction of its own', async () => {
    const { router } = await routed(servers);
    const read = router.read('list', {}, (db) => db.transaction().execute(roleOf));
    await expect(read).rejects.toThrow('transaction');
  });

  it('that fails by itself fails at once, and the replica stays in use', async () => {
    const { router, routes, reports } = await routed(servers);
    const refusal = new AppError('not_found', 'account_not_found', 'There is none.');
    let tries = 0;
    const refuse = async () => {
      tries++;
      throw refusal;
    };
    await expect(router.read('statement', {}, refuse)).rejects.toBe(refusal);
    await expect(
      router.read('list', {}, async (db) => {
        tries++;
        await sql`SELEC 1`.execute(db);
      }),
    ).rejects.toMatchObject({ code: '42601' });
    expect(tries).toBe(2);
    expect(await router.read('list', {}, roleOf)).toBe('replica');
    expect(routes.map(({ server }) => server)).toEqual(['replica']);
    expect(reports.map(({ state }) => state)).toEqual(['ok']);
  });

  it('that knows better than the replica what there must be is done on the primary', async () => {
    const { router, reports } = await routed(servers);
    const answer = await router.read('statement', {}, async (db) => {
      const role = await roleOf(db);
      if (role === 'replica') throw new ReplicaFailure('the account is older than its cursor', false);
      return role;
    });
    expect(answer).toBe('primary');
    expect(reports.map(({ state }) => state)).toEqual(['ok']);
  });

  it('of a person that takes too long is not tried on the primary', async () => {
    const { router, routes, reports } = await routed(servers);
    const query = { sql: 'SELECT pg_sleep(600)', maxRows: 1, timeoutMs: 200, costLimit: 0 };
    await expect(runQuery(router, query)).rejects.toMatchObject({ code: 'statement_canceled' });
    // On the primary it was explained, and nothing more.
    expect(routes).toEqual([{ kind: 'report', server: 'primary', why: 'class' }]);
    expect(reports.map(({ state }) => state)).toEqual(['ok']);
  });

  it('that replay cancels is done on the primary', async () => {
    const both = await routed(servers);
    const { router, db } = both;
    await sql`CREATE TABLE public.conflict AS SELECT 1 AS n`.execute(db);
    await servers.replica.caughtUp();
    const roles: string[] = [];
    await router.read('list', {}, async (reader) => {
      roles.push(await roleOf(reader));
      await sql`SELECT n FROM public.conflict`.execute(reader);
      // The replica replays this only over the dead body of the transaction that has read the table.
      if (roles.length === 1) {
        await sql`TRUNCATE public.conflict`.execute(db);
        await servers.replica.caughtUp();
      }
      await sql`SELECT n FROM public.conflict`.execute(reader);
    });
    expect(roles).toEqual(['replica', 'primary']);
    expect(both.reports.at(1)).toMatchObject({ state: 'away', reason: 'failed' });
    await stateIs(both, 'ok');
    expect(await router.read('list', {}, roleOf)).toBe('replica');
  });
});

describe('a read with the position of a write', () => {
  it('always shows the write, two hundred times', async () => {
    const both = await routed(servers);
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let i = 0; i < 25; i++) {
          const { n, position } = await write(both);
          const { seen } = await both.router.read('list', { position }, look);
          expect(seen).toBeGreaterThanOrEqual(n);
        }
      }),
    );
    expect(both.routes).toHaveLength(200);
    expect(both.routes.some(({ server }) => server === 'replica')).toBe(true);
  });

  it('is answered by the primary while the replica is behind, and by the replica again afterwards', async () => {
    const both = await routed(servers);
    const before = await write(both);
    await servers.replica.caughtUp();
    await servers.replica.pauseReplay();
    try {
      const { n, position } = await write(both);
      expect(await both.router.read('list', { position }, look)).toEqual({ role: 'primary', seen: n });
      expect(both.routes.at(-1)).toMatchObject({ server: 'primary', why: 'position' });
      // Who asks for no position, or for an older one, is answered by the replica as it is.
      const old = { role: 'replica', seen: before.n };
      expect(await both.router.read('list', {}, look)).toEqual(old);
      expect(await both.router.read('list', { position: before.position }, look)).toEqual(old);
      await servers.replica.resumeReplay();
      await until(async () => (await both.router.read('list', { position }, look)).role === 'replica');
      expect(both.reports.map(({ state }) => state)).toEqual(['ok']);
    } finally {
      await servers.replica.resumeReplay();
    }
  });

  it('waits for a replica that will be there in a moment', async () => {
    const both = await routed(servers, { timing: { ...patient, waitsMs: Array(5000).fill(10) } });
    await servers.replica.pauseReplay();
    try {
      const { n, position } = await write(both);
      const reading = both.router.read('list', { position }, look);
      await servers.replica.resumeReplay();
      expect(await reading).toEqual({ role: 'replica', seen: n });
    } finally {
      await servers.replica.resumeReplay();
    }
  });

  it.each(['FFFFFFFF/FFFFFFFF', 'garbage', '', '1/2/3', '-1/0'])(
    'that cannot be (%j) ends at the primary',
    async (position) => {
      const { router, routes } = await routed(servers);
      expect(await router.read('list', { position }, roleOf)).toBe('primary');
      expect(routes).toEqual([{ kind: 'list', server: 'primary', why: 'position' }]);
    },
  );

  it('is not waited for in vain where the write filled a page of the WAL', async () => {
    // Only a commit that is not flushed needs the position of the next insert, which is not where the last record ends.
    const both = await routed(servers, {
      url: `${servers.primary.url}?options=-c%20synchronous_commit%3Doff`,
    });
    const next = async () => {
      const [row] = (await query(
        servers.primary.adminUrl,
        'SELECT pg_current_wal_insert_lsn()::text AS next',
      )) as [{ next: string }];
      return parsePosition(row.next) as bigint;
    };
    let jitter = 0;
    for (let at = await next(); at % 8192n !== 24n; at = await next()) {
      const room = 8192 - Number(at % 8192n);
      const length = Math.max(1, room - 60 - (jitter++ % 64));
      await query(
        servers.primary.adminUrl,
        `SELECT pg_logical_emit_message(false, '', repeat('.', ${length}))`,
      );
    }
    const position = (await both.router.position()) as string;
    expect(position).toBe(formatPosition(((await next()) / 8192n) * 8192n));
  });

  it('holds where commits are answered before they are flushed', async () => {
    const both = await routed(servers, {
      url: `${servers.primary.url}?options=-c%20synchronous_commit%3Doff`,
    });
    for (let i = 0; i < 5; i++) {
      const { n, position } = await write(both);
      expect((await both.router.read('list', { position }, look)).seen).toBeGreaterThanOrEqual(n);
    }
  });
});
