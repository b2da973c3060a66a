import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildIndexFile, INDEX_LOCK } from '../../src/db/index-file-build.ts';
import { withNamedLock } from '../../src/db/locks.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { structureDrift } from '../../src/quarters/drift.ts';
import { reconcile } from '../../src/quarters/reconcile.ts';
import { invalidate } from '../indexes/broken.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { openHouse, run } from './support.ts';

let home: TestDatabase;
let house: QuarterHouse;

beforeEach(async () => {
  home = await createDatabase();
  house = openHouse(home.url, { premake: 1 });
  await reconcile(house, run);
});

afterEach(async () => {
  await house?.database.close();
  await home?.drop();
});

const ddl = (text: string) => sql.raw(text).execute(house.database.direct);

describe('an index that is being built', () => {
  const build = (onStatement: (statement: string) => Promise<void>) =>
    buildIndexFile(
      house.database.direct,
      { name: 'x.sql', text: 'CREATE INDEX entries_amount_idx ON ledger.entries (ledger_id, amount)' },
      { onStatement },
    );
  const concerned = async () =>
    (await structureDrift(house.database.direct)).filter(({ code }) => code === 'indexes_differ');

  it('is no difference, wherever its build has come to, and one when it has ended there', async () => {
    const seen: string[] = [];
    await build(async (statement) => {
      seen.push(statement);
      expect([statement, await concerned()]).toEqual([statement, []]);
    });
    // On the table, and then built and attached on one partition after the other.
    expect(seen.length).toBeGreaterThan(4);
    await ddl('DROP INDEX ledger.entries_amount_idx');

    const far = seen.length - 1;
    let sent = 0;
    const stopped = build(async () => {
      sent++;
      if (sent > far) throw new Error('stopped');
    });
    await expect(stopped).rejects.toThrow('stopped');
    expect(await concerned()).not.toEqual([]);
  });

  it('is no difference while a part of it is half made', async () => {
    await ddl(`CREATE INDEX entries_amount_idx ON ONLY ledger.entries (ledger_id, amount);
               CREATE INDEX half ON ledger.entries_2026q2 (ledger_id, amount); CREATE INDEX half_ccnew ON ledger.transactions_2026q2 (ledger_id, amount)`);
    for (const name of ['half', 'half_ccnew']) await invalidate(home.adminUrl, name);
    expect((await concerned()).length).toBeGreaterThan(1);
    await withNamedLock(house.database.direct, INDEX_LOCK, async () => {
      expect(await concerned()).toEqual([]);
    });
  });
});
