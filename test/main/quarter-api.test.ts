import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createQuarterDesk } from '../../jobs/quarter-desk.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import type { PoolObserver } from '../../src/db/pool-observer.ts';
import { createQuarterApi } from '../../src/main/quarter-api.ts';
import { readConfig } from '../../src/platform/config.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { holdQuarter } from '../../src/quarters/hold.ts';
import { createQueue } from '../../src/queue/queue.ts';
import { authorization, createApp, emptyHouse, inject, problemIn } from '../http/house.ts';
import { houseOver, run } from '../quarters/support.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { inRole } from '../support/roles.ts';
import { ways } from '../support/ways.ts';

const slow = { timeout: 60_000 };
const accounts = '/v1/quarters/2026q1/trial-balance/accounts?sort=closing&limit=10';

let home: TestDatabase;
let owner: Database;
let api: Database;
/** How often a connection of each pool was taken. */
const taken = new Map<string, number>();

beforeAll(async () => {
  home = await createDatabase();
  owner = openDatabase({ ...ways(home.url), poolMax: 4 });
  const observer: PoolObserver = {
    onPool: () => {},
    onAcquire: (pool) => void taken.set(pool, (taken.get(pool) ?? 0) + 1),
    onError: () => {},
  };
  api = openDatabase({ ...ways(inRole(home.url, 'api')), poolMax: 10, observer });
  await ensureQuarters(houseOver(owner), run, new Date('2026-01-01'), new Date('2026-06-01'));
  await sql`UPDATE quartermaster.quarters SET state = 'closed', transactions = 0, entries = 0, digest = 'd'
    WHERE quarter = '2026q1'`.execute(owner.write);
});

afterAll(async () => {
  await Promise.all([api?.close(), owner?.close()]);
  await home?.drop();
});

/** The API of a process of its own. */
function open() {
  const quarters = houseOver(api, { now: '2026-05-05T12:00:00Z' });
  const queue = createQueue({ db: api.write, url: home.url, zone: 'UTC', logger: createLogger('silent') });
  const { calendar, clock } = quarters;
  const config = readConfig({ QM_DATABASE_URL: home.url });
  const desk = createQuarterDesk({ database: api, quarters, queue, calendar, clock, config });
  const face = createQuarterApi({ quarters, queue }, desk);
  return { face, app: createApp(emptyHouse({ quarters: face })) };
}

/** Holds a table while the action runs. */
async function whileLocked(table: string, action: () => Promise<void>): Promise<void> {
  await owner.write.transaction().execute(async (trx) => {
    await sql`LOCK TABLE ${sql.raw(table)} IN ACCESS EXCLUSIVE MODE`.execute(trx);
    await action();
  });
}

/** Sessions that wait for a lock. */
async function waiting(): Promise<number> {
  const { rows } = await sql`SELECT DISTINCT pid FROM pg_locks WHERE NOT granted AND database =
    (SELECT oid FROM pg_database WHERE datname = current_database())`.execute(owner.direct);
  return rows.length;
}

describe('trial balances of many readers', () => {
  it('are read two at a time, and never on the connections of the posters', slow, async () => {
    const { app } = open();
    await whileLocked('ledger.quarter_balances', async () => {
      taken.clear();
      const urls = [accounts, '/v1/quarters/2026q1/trial-balance'];
      const answers: Awaited<ReturnType<typeof inject>>[] = [];
      for (let i = 0; i < 10; i++) {
        void inject(app, { url: urls[i % 2] ?? accounts }).then((answer) => answers.push(answer));
      }
      await expect.poll(waiting, { timeout: 7000 }).toBe(2);
      // Those who have waited long enough are told so, while the two still wait for the table.
      await expect.poll(() => answers.length, { timeout: 10_000 }).toBe(8);
      for (const answer of answers) {
        problemIn(answer, 503, 'balances_busy');
        expect(answer.headers['retry-after']).toBe('1');
      }
      expect(await waiting()).toBe(2);
      expect(taken.get('write')).toBeUndefined();
    });
  });

  it('end when their reader has gone', slow, async () => {
    const server = open().app as unknown as FastifyInstance;
    await server.listen({ host: '127.0.0.1', port: 0 });
    try {
      const { port } = server.server.address() as AddressInfo;
      await whileLocked('ledger.quarter_balances', async () => {
        const client = new AbortController();
        const answer = fetch(`http://127.0.0.1:${port}${accounts}`, {
          headers: authorization,
          signal: client.signal,
        }).catch((error: unknown) => error);
        await expect.poll(waiting, { timeout: 7000 }).toBe(1);
        client.abort();
        expect(await answer).toMatchObject({ name: 'AbortError' });
        // Long before its own limit.
        await expect.poll(waiting, { timeout: 5000 }).toBe(0);
      });
    } finally {
      server.server.closeAllConnections();
      await server.close();
    }
  });
});

describe('a list of quarters', () => {
  it('is told with estimates while somebody has locked a partition', slow, async () => {
    const { face } = open();
    await whileLocked('ledger.entries_2026q2', async () => {
      const listed = await Promise.all(Array.from({ length: 10 }, () => face.list()));
      expect(new Set(listed).size).toBe(1);
      const [first = []] = listed;
      expect(first.find(({ name }) => name === '2026q2')).toMatchObject({ exact: false });
      expect(await face.show('2026q2')).toMatchObject({ name: '2026q2', exact: false });
      expect(await waiting()).toBe(0);
    });
    const other = await open().face.list();
    expect(other.find(({ name }) => name === '2026q2')).toMatchObject({ exact: true, entries: 0n });
  });

  it(
    'is one reading for all who ask at about the same time, until something is done to a quarter',
    slow,
    async () => {
      const { face } = open();
      const before = await face.list();
      const one = await face.show('2026q2');
      expect(await face.list()).toBe(before);
      expect(await face.show('2026q2')).toBe(one);
      expect((await face.show('2026q1')).name).toBe('2026q1');
      // By another process.
      await holdQuarter(houseOver(owner), { ...run, reason: 'an audit' }, '2026q2');
      const held = { name: '2026q2', holdReason: 'an audit' };
      expect((await face.list()).find(({ name }) => name === '2026q2')).toMatchObject(held);
      expect(await face.show('2026q2')).toMatchObject(held);
    },
  );

  it('is refused with what may be the matter when PostgreSQL does not tell it', slow, async () => {
    const { app } = open();
    await whileLocked('quartermaster.quarters', async () => {
      const answers = await Promise.all([1, 2, 3].map(() => inject(app, { url: '/v1/quarters/2026q2' })));
      for (const answer of answers) {
        expect(problemIn(answer, 503, 'read_too_slow').detail).toContain('within 3 seconds');
      }
    });
  });
});
