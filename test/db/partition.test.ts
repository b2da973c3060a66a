import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { calendar, type Quarter } from '../../src/core/quarter.ts';
import { quarterTables } from '../../src/core/tables.ts';
import { readParents } from '../../src/db/catalog.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import {
  createPartitionSql,
  createPartitions,
  dropLeftover,
  fencePartitions,
  unfencePartitions,
} from '../../src/db/partition.ts';
import { isConnectionLoss, sqlState, toAppError } from '../../src/db/sqlstate.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let home: TestDatabase;
let database: Database;
let admin: Database;

beforeAll(async () => {
  home = await createDatabase();
  database = openDatabase({ databaseUrl: home.url, poolMax: 5 });
  admin = openDatabase({ databaseUrl: home.adminUrl, poolMax: 2 });
});

afterAll(async () => {
  await database?.close();
  await admin?.close();
  await home?.drop();
});

/** Makes the quarter's partitions in a zone and gives the quarter. */
async function make(name: string, zone = 'UTC', by = database): Promise<Quarter> {
  const quarter = calendar(zone).quarter(name);
  const parents = await readParents(by.direct);
  await by.direct.transaction().execute((trx) => createPartitions(trx, parents, quarter));
  return quarter;
}

async function stateOf(action: Promise<unknown>): Promise<string | undefined> {
  return action.then(
    () => 'no error',
    (error) => sqlState(error),
  );
}

function entryAt(at: string) {
  return sql`
    INSERT INTO ledger.entries (ledger_id, account_id, created_at, version, transaction_id, amount, balance_after)
    VALUES (1, 1, ${at}::timestamptz, 1, gen_random_uuid(), 1, 1)`;
}

describe('createPartitions', () => {
  it('locks the table so that nobody notices: a long reader and writers go on', async () => {
    const parents = await readParents(database.direct);
    await make('2020q1');
    await database.read.connection().execute(async (reader) => {
      const reading = reader.transaction().execute(async (trx) => {
        await sql`SELECT count(*) FROM ledger.entries`.execute(trx);
        await database.direct.transaction().execute(async (creating) => {
          await createPartitions(creating, parents, calendar('UTC').quarter('2020q2'));
          const { rows } = await sql<{ name: string; modes: string[] }>`
            SELECT relation::regclass::text AS name, array_agg(mode ORDER BY mode) AS modes
            FROM pg_locks
            WHERE pid = pg_backend_pid()
              AND relation IN ('ledger.transactions'::regclass, 'ledger.entries'::regclass)
            GROUP BY 1 ORDER BY 1`.execute(creating);
          // AccessShareLock is that of every SELECT.
          const modes = ['AccessShareLock', 'ShareUpdateExclusiveLock'];
          expect(rows).toEqual([
            { name: 'ledger.entries', modes },
            { name: 'ledger.transactions', modes },
          ]);
          await entryAt('2020-02-02T00:00:00Z').execute(database.write);
          await sql`SELECT count(*) FROM ledger.entries`.execute(trx);
        });
      });
      await reading;
    });
    await entryAt('2020-05-02T00:00:00Z').execute(database.write);
  });

  it('gives the partition all that the table has', async () => {
    const role = `reader_${home.name}`;
    await sql
      .raw(`
        CREATE ROLE ${role};
        GRANT SELECT ON ledger.entries TO ${role} WITH GRANT OPTION;
        GRANT SELECT ON ledger.entries TO PUBLIC;
        ALTER TABLE ledger.entries ALTER COLUMN account_id SET STATISTICS 500;
        ALTER DEFAULT PRIVILEGES FOR ROLE quartermaster GRANT ALL ON TABLES TO ${role};`)
      .execute(admin.direct);
    try {
      await make('2020q3');
      const { rows } = await sql<{
        name: string;
        acl: string[];
        owner: string;
        target: number;
        indexes: number;
      }>`
        SELECT relname AS name, pg_get_userbyid(relowner) AS owner,
               ARRAY(SELECT acl.grantee::regrole || ' ' || acl.privilege_type || acl.is_grantable
                     FROM aclexplode(relacl) AS acl ORDER BY 1) AS acl,
               (SELECT attstattarget FROM pg_attribute WHERE attrelid = c.oid AND attname = 'account_id') AS target,
               (SELECT count(*) FROM pg_index WHERE indrelid = c.oid AND indisvalid)::int AS indexes
        FROM pg_class AS c
        WHERE relname IN ('entries', 'entries_2020q3') ORDER BY relname`.execute(admin.direct);
      expect({ ...rows[1], name: 'entries' }).toEqual({ ...rows[0], owner: 'quartermaster' });
      expect(rows[1]).toMatchObject({ target: 500, indexes: 2 });
      expect(rows[1]?.acl.join()).not.toMatch(/quartermaster (UPDATE|DELETE|TRUNCATE)/);
    } finally {
      await sql.raw(`DROP OWNED BY ${role}; DROP ROLE ${role}`).execute(admin.direct);
    }
  });

  it('belongs to the owner of the table when a superuser made it', async () => {
    await make('2020q4', 'UTC', admin);
    await entryAt('2020-11-11T00:00:00Z').execute(database.write);
    const { rows } = await sql`SELECT tableowner FROM pg_tables WHERE tablename = 'entries_2020q4'`.execute(
      database.direct,
    );
    expect(rows).toEqual([{ tableowner: 'quartermaster' }]);
  });

  it('has a CHECK of the bounds that lets an attach read no row', async () => {
    await make('2021q1');
    const quarter = calendar('UTC').quarter('2021q1');
    const table = quarterTables[1] as (typeof quarterTables)[0];
    const notices: string[] = [];
    await sql`ALTER TABLE ledger.entries DETACH PARTITION ledger.entries_2021q1`.execute(database.direct);
    const [parent] = await readParents(database.direct, [table]);
    const attach = createPartitionSql(parent as NonNullable<typeof parent>, quarter)
      .split('\n')
      .at(-1) as string;
    const client = new pg.Client({ connectionString: home.url });
    client.on('notice', ({ message }) => notices.push(message ?? ''));
    await client.connect();
    await client.query("SET client_min_messages = 'debug1'");
    await client.query(attach);
    await client.end();
    expect(notices).toContain(
      'partition constraint for table "entries_2021q1" is implied by existing constraints',
    );
  });

  it.each([
    ['Africa/Monrovia', '1971q2', '1971-04-01T00:44:30.000Z', '1971-07-01T00:44:30.000Z'],
    ['Asia/Kolkata', '2019q2', '2019-03-31T18:30:00.000Z', '2019-06-30T18:30:00.000Z'],
    ['America/Havana', '2015q4', '2015-10-01T04:00:00.000Z', '2016-01-01T05:00:00.000Z'],
  ])('takes the instants of the quarter in %s to the millisecond', async (zone, name, from, to) => {
    const quarter = await make(name, zone);
    expect([quarter.start, quarter.end].map((at) => at.toISOString())).toEqual([from, to]);
    const justBefore = (at: string) => new Date(Date.parse(at) - 1).toISOString();
    for (const at of [from, justBefore(to)]) await entryAt(at).execute(database.write);
    const { rows } = await sql.raw(`SELECT count(*) FROM ledger.entries_${name}`).execute(database.write);
    expect(rows).toEqual([{ count: 2n }]);
    for (const at of [justBefore(from), to]) {
      const error = await entryAt(at).execute(database.write).catch(toAppError);
      expect(error).toMatchObject({ code: 'no_partition' });
    }
  });
});

describe('fencePartitions', () => {
  const fence = (tables = quarterTables) => fencePartitions(database.direct, tables, '2022q1', {});

  it('refuses every new row to everybody, COPY and superusers included, until it is taken away', async () => {
    await make('2022q1');
    await entryAt('2022-01-01T00:00:00Z').execute(admin.write);
    await fence();
    const columns = '(ledger_id, account_id, created_at, version, transaction_id, amount, balance_after)';
    const values = `VALUES (1, 2, '2022-02-02 00:00:00+00', 1, gen_random_uuid(), 1, 1)`;
    const statements = [
      `INSERT INTO ledger.entries ${columns} ${values}`,
      `INSERT INTO ledger.entries_2022q1 ${columns} ${values}`,
      'UPDATE ledger.entries SET amount = 2',
      'UPDATE ledger.entries_2022q1 SET amount = 2',
      'COPY ledger.entries FROM PROGRAM \'printf "1\\t3\\t2022-02-02\\t1\\t01940000-0000-7000-8000-000000000000\\t1\\t1\\n"\'',
    ];
    for (const statement of statements) {
      const error = await sql.raw(statement).execute(admin.write).catch(toAppError);
      expect(error, statement).toMatchObject({ kind: 'refused', code: 'quarter_closed' });
    }
    // The owner may not even try what would change a row.
    const forbidden = ['UPDATE ledger.entries_2022q1 SET amount = 2', 'DELETE FROM ledger.entries_2022q1'];
    for (const statement of [...forbidden, 'DELETE FROM ledger.entries', 'TRUNCATE ledger.entries_2022q1'])
      expect(await stateOf(sql.raw(statement).execute(database.write)), statement).toBe('42501');
    await unfencePartitions(database.direct, quarterTables, '2022q1', {});
    await sql.raw(statements[1] as string).execute(database.write);
  });

  it('fences both tables or none', async () => {
    await make('2022q2');
    const rename = (from: string, to: string) =>
      sql.raw(`ALTER TABLE ledger.${from} RENAME TO ${to}`).execute(database.direct);
    await rename('entries_2022q2', 'aside');
    await expect(fencePartitions(database.direct, quarterTables, '2022q2', {})).rejects.toThrow();
    await rename('aside', 'entries_2022q2');
    const { rows } = await sql`
      SELECT conrelid::regclass::text AS name FROM pg_constraint
      WHERE conname = 'quarter_closed' AND conrelid = 'ledger.transactions_2022q2'::regclass`.execute(
      database.direct,
    );
    expect(rows).toEqual([]);
  });

  it('waits for a writer, and gives way to those who come after it', async () => {
    await make('2022q3');
    const blocked: number[] = [];
    const at = '2022-08-08T00:00:00Z';
    const held = Promise.withResolvers<void>();
    const written = Promise.withResolvers<void>();
    const writing = database.write.transaction().execute(async (trx) => {
      await entryAt(at).execute(trx);
      written.resolve();
      await held.promise;
    });
    await written.promise;
    const fencing = fencePartitions(database.direct, quarterTables, '2022q3', {
      onBlocked: (relations, blockers, attempt) => {
        expect(relations).toEqual(['ledger.transactions_2022q3', 'ledger.entries_2022q3']);
        expect(blockers[0]?.state).toBe('idle in transaction');
        blocked.push(attempt);
        // Between two tries of the fence a reader gets through.
        sql`SELECT count(*) FROM ledger.entries_2022q3`
          .execute(database.read)
          .then(() => held.resolve(), held.reject);
      },
    });
    await Promise.all([writing, fencing]);
    expect(blocked.length).toBeGreaterThan(0);
    expect(await stateOf(entryAt(at).execute(database.write))).toBe('23514');
  });
});

describe('dropLeftover', () => {
  it('drops an empty table and keeps one with rows', async () => {
    await make('2023q1');
    await entryAt('2023-01-01T00:00:00Z').execute(database.write);
    await sql
      .raw(`
        ALTER TABLE ledger.entries DETACH PARTITION ledger.entries_2023q1;
        ALTER TABLE ledger.transactions DETACH PARTITION ledger.transactions_2023q1;`)
      .execute(database.direct);
    const dropped = await database.direct.transaction().execute(async (trx) => {
      const outcomes: boolean[] = [];
      for (const table of quarterTables) outcomes.push(await dropLeftover(trx, table, '2023q1'));
      return outcomes;
    });
    expect(dropped).toEqual([true, false]);
  });
});

it('isConnectionLoss knows a session that was ended', async () => {
  const error = await database.direct.connection().execute(async (session) => {
    const { rows } = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(session);
    const sleeping = sql`SELECT pg_sleep(60)`.execute(session).catch((caught: unknown) => caught);
    await sql`SELECT pg_terminate_backend(${rows[0]?.pid})`.execute(admin.direct);
    return sleeping;
  });
  expect(isConnectionLoss(error)).toBe(true);
});
