import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let home: TestDatabase;
beforeAll(async () => {
  home = await createDatabase({ migrated: false });
});
afterAll(() => home.drop());

it('a connection that was waited for longer than it was wanted is used for nothing, and is left to others', async () => {
  const database = openDatabase({ databaseUrl: home.url, poolMax: 1 });
  onTestFinished(() => database.close());
  const stop = new AbortController();
  const pidOf = () =>
    database.withClient(async (client) => (await client.query('SELECT pg_backend_pid() AS pid')).rows[0].pid);
  let waiting: Promise<unknown> = Promise.resolve();
  let used = false;
  const pid = await database.withClient(async (client) => {
    waiting = database.withClient(async () => {
      used = true;
    }, stop.signal);
    waiting.catch(() => {});
    stop.abort();
    return (await client.query('SELECT pg_backend_pid() AS pid')).rows[0].pid;
  });
  await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
  expect(used).toBe(false);
  expect(await pidOf()).toBe(pid);
});
