import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { freezeQuarters } from '../../src/quarters/freeze.ts';
import { readQuarter } from '../../src/quarters/registry.ts';
import { restoreQuarter } from '../../src/quarters/restore.ts';
import { run } from './archive-fixture.ts';
import { type ArchivedHome, openArchivedHome, takeTo } from './restore-fixture.ts';

let home: ArchivedHome;

beforeEach(async () => {
  home = await openArchivedHome(['2024q1']);
  const admin = openDatabase({ databaseUrl: home.database.adminUrl, poolMax: 1 });
  await sql.raw(`ALTER DATABASE ${home.database.name} SET synchronous_commit = on`).execute(admin.direct);
  await admin.close();
});
afterEach(() => home?.close());

const frozenAt = async () => (await readQuarter(home.house.database.direct, '2024q1')).frozen_at;
const restore = () => restoreQuarter(home.house, { ...run, reason: 'audit' }, '2024q1');
/** The commits of the fixture may not be on the disk yet, and then it takes another run. */
const freezes = () =>
  expect.poll(async () => (await freezeQuarters(home.house, run)).frozen).toEqual(['2024q1']);

describe('a quarter that was frozen and comes back', () => {
  it('from its archive is frozen again', async () => {
    await freezes();
    await takeTo(home.house, '2024q1', 'dropped');
    expect(await freezeQuarters(home.house, run)).toMatchObject({ frozen: [], failed: [] });
    expect((await restore()).loaded).toEqual(['transactions', 'entries']);
    expect(await frozenAt()).toBeNull();
    await freezes();
    expect(await frozenAt()).toEqual(home.house.clock.now());
  });

  it('with the tables that it had is not', async () => {
    await freezes();
    await takeTo(home.house, '2024q1', 'detached');
    expect((await restore()).loaded).toEqual([]);
    expect(await frozenAt()).not.toBeNull();
    expect(await freezeQuarters(home.house, run)).toMatchObject({ frozen: [], heldBack: [], failed: [] });
  });
});
