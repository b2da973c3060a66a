import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import type { Trx } from '../../src/db/schema.ts';
import { OutcomeUnknown, type Send, transact } from '../../src/db/transact.ts';
import { type CuttingProxy, openCuttingProxy } from '../support/cutting-proxy.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let created: TestDatabase;
let proxy: CuttingProxy;
let database: Database;
beforeAll(async () => {
  created = await createDatabase({ zone: 'UTC' });
});
afterAll(() => created.drop());
beforeEach(async () => {
  proxy = await openCuttingProxy(created.url);
  // One connection: what one transaction left behind on it, the next would meet.
  database = openDatabase({ databaseUrl: proxy.url, poolMax: 1 });
});
afterEach(async () => {
  await database.write.deleteFrom('ledger.ledgers').execute();
  await database.close();
  await proxy.close();
});

const insert = (trx: Trx, name: string) => trx.insertInto('ledger.ledgers').values({ name }).execute();
const nothing = async () => {};
const fails = (trx: Trx) => sql`SELECT 1 / 0`.execute(trx);
const names = async () =>
  (await database.write.selectFrom('ledger.ledgers').select('name').orderBy('id').execute()).map(
    ({ name }) => name,
  );

describe('a transaction', () => {
  it('reads, writes what it found, and gives what the writing comes to', async () => {
    const value = await transact(database.write, {
      read: async (trx) => (await sql<{ one: number }>`SELECT 1 AS one`.execute(trx)).rows[0]?.one,
      write: async (trx, found, send) => {
        send(insert(trx, `sent-${found}`));
        await insert(trx, `waited-for-${found}`);
        return found;
      },
    });
    expect(value).toBe(1);
    expect(await names()).toEqual(['sent-1', 'waited-for-1']);
  });

  it.each<[string, Parameters<typeof transact<unknown, unknown>>[1]]>([
    ['reading', { read: fails, write: (trx) => insert(trx, 'never') }],
    [
      'what is sent',
      {
        read: nothing,
        write: async (trx, _, send) => {
          send(insert(trx, 'a'));
          send(fails(trx));
          send(insert(trx, 'b'));
        },
      },
    ],
    [
      'what is sent before what is waited for',
      {
        read: nothing,
        write: async (trx, _, send) => {
          send(fails(trx));
          await insert(trx, 'a');
        },
      },
    ],
    [
      'what is waited for',
      {
        read: nothing,
        write: async (trx, _, send) => {
          send(insert(trx, 'a'));
          await fails(trx);
        },
      },
    ],
    [
      'what is waited for, and what is sent after it',
      {
        read: nothing,
        write: async (trx, _, send) => {
          const failing = fails(trx);
          send(insert(trx, 'a'));
          await failing;
        },
      },
    ],
  ])(
    'in which %s fails writes nothing, names that failure, and leaves a clean connection',
    async (_, steps) => {
      await expect(transact(database.write, steps)).rejects.toMatchObject({ code: '22012' });
      expect(await names()).toEqual([]);
      await transact(database.write, { read: nothing, write: (trx) => insert(trx, 'next') });
      expect(await names()).toEqual(['next']);
    },
  );

  it('is taken back when its writer changes its mind', async () => {
    const steps = {
      read: nothing,
      write: async (trx: Trx, _: unknown, send: Send) => {
        send(insert(trx, 'a'));
        throw new Error('no');
      },
    };
    await expect(transact(database.write, steps)).rejects.toThrow('no');
    expect(await names()).toEqual([]);
  });

  it('whose writer hides a failure is not said to be committed', async () => {
    const steps = {
      read: nothing,
      write: async (trx: Trx) => {
        await insert(trx, 'a');
        await fails(trx).catch(() => {});
      },
    };
    await expect(transact(database.write, steps)).rejects.toThrow('took the transaction back');
    expect(await names()).toEqual([]);
  });
});

describe('a connection that is lost', () => {
  const sends = {
    read: nothing,
    write: async (trx: Trx, _: unknown, send: Send) => {
      send(insert(trx, 'a'));
    },
  };

  it.each([
    ['before', []],
    ['after', ['a']],
  ] as const)('%s PostgreSQL commits leaves open what became of it', async (when, left) => {
    proxy.cutNextCommit(when);
    await expect(transact(database.write, sends)).rejects.toThrow(OutcomeUnknown);
    expect(await names()).toEqual(left);
  });

  it('by the will of PostgreSQL, in the middle of a statement, leaves nothing open: COMMIT came too late', async () => {
    const steps = {
      read: nothing,
      write: async (trx: Trx, _: unknown, send: Send) => {
        send(insert(trx, 'a'));
        send(sql`SELECT pg_terminate_backend(pg_backend_pid())`.execute(trx));
      },
    };
    await expect(transact(database.write, steps)).rejects.toMatchObject({ code: '57P01' });
    expect(await names()).toEqual([]);
  });
});
