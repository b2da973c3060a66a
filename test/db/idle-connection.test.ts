import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let home: TestDatabase;

beforeAll(async () => {
  home = await createDatabase({ migrated: false });
});
afterAll(() => home.drop());

it('the death of an idle connection is told without the connection, whose key would end its statements', async () => {
  const told = Promise.withResolvers<Error>();
  const database = openDatabase({ databaseUrl: home.url, onIdleError: told.resolve });
  const others = openDatabase({ databaseUrl: home.url });
  try {
    const { rows } = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(database.write);
    await sql`SELECT pg_terminate_backend(${rows[0]?.pid})`.execute(others.write);
    const error = await told.promise;
    expect(error.message).toContain('terminating connection');
    expect(JSON.stringify({ ...error })).not.toContain('secretKey');
  } finally {
    await database.close();
    await others.close();
  }
});
