import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openS3Store } from '../../src/archive/s3-store.ts';
import type { Store } from '../../src/archive/store.ts';
import { systemClock } from '../../src/core/clock.ts';
import { isAppError } from '../../src/core/errors.ts';
import { quarterTables } from '../../src/core/tables.ts';
import { readCatalog } from '../../src/db/catalog.ts';
import { archiveQuarter } from '../../src/quarters/archive.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { detachQuarter } from '../../src/quarters/detach.ts';
import { readQuarter } from '../../src/quarters/registry.ts';
import { verifyQuarter } from '../../src/quarters/verify.ts';
import { lies } from '../archive/lying-store.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startS3 } from '../support/s3.ts';
import { bookNastyPayments, closeQuarters, openArchiveHouse, run } from './archive-fixture.ts';

const subjects = [
  { file: 'a file of rows', about: /entries\// },
  { file: 'the manifest', about: /manifest\.json$/ },
];
const cases = lies.flatMap((lie) => subjects.map((subject) => ({ ...lie, ...subject })));

/** The first is archived by an honest store, so that there is an archive to be confused with; the last one in a bucket. */
const quarters = Array.from({ length: cases.length + 2 }, (_, i) => `${2010 + (i >> 2)}q${1 + (i % 4)}`);

let home: TestDatabase;
let directory: string;
let house: QuarterHouse;

beforeAll(async () => {
  home = await createDatabase();
  directory = await mkdtemp(join(tmpdir(), 'test-lying-'));
  house = openArchiveHouse(home.url, directory);
  await bookNastyPayments(
    house,
    quarters.map((quarter) => ({ quarter, transactions: 30 })),
  );
  await closeQuarters(house, quarters);
  await archiveQuarter(house, run, quarters[0] ?? '');
}, 300_000);

afterAll(async () => {
  await house?.database.close();
  await home?.drop();
  await rm(directory, { recursive: true, force: true });
});

/** Where the quarter stands, by its row, by the catalog and by its archive. */
async function stand(quarter: string) {
  const db = house.database.direct;
  const { state } = await readQuarter(db, quarter);
  const partitions = await readCatalog(db, quarterTables);
  const attached = partitions.filter(
    (one) => one.quarter === quarter && one.attachment === 'attached',
  ).length;
  const archives = await db
    .selectFrom('quartermaster.archives')
    .select('verified_at')
    .where('quarter', '=', quarter)
    .execute();
  return {
    state,
    attached,
    archives: archives.length,
    proved: archives.some((one) => one.verified_at !== null),
  };
}

describe.each(cases)('of a store that $name, and that is $file,', ({ name, file, about, found, tell }) => {
  const quarter = quarters[1 + cases.findIndex((one) => one.name === name && one.file === file)] ?? '';
  const lying = (): QuarterHouse => ({ ...house, store: tell(house.store, about) });

  /** A manifest that is not there is told as what it is. */
  async function expectDetected(verb: Promise<unknown>): Promise<void> {
    const error = await verb.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    const missing = file === 'the manifest' && isAppError(error, 'not_in_store');
    expect(missing || isAppError(error, found), String(error)).toBe(true);
  }

  it('nothing is archived', async () => {
    await expectDetected(archiveQuarter(lying(), run, quarter));
    expect(await stand(quarter)).toEqual({ state: 'closed', attached: 2, archives: 0, proved: false });
    await expect(detachQuarter(lying(), run, quarter)).rejects.toMatchObject({ kind: 'conflict' });
    expect(await stand(quarter)).toMatchObject({ state: 'closed', attached: 2 });
    await archiveQuarter(house, run, quarter);
    expect(await stand(quarter)).toEqual({ state: 'archived', attached: 2, archives: 1, proved: true });
  });

  it('nothing is taken for proved, and nothing is detached', async () => {
    await expectDetected(verifyQuarter(lying(), run, quarter));
    // A store that was away has proved nothing, neither for nor against what was proved before.
    const proved = found === 'unavailable';
    expect(await stand(quarter)).toEqual({ state: 'archived', attached: 2, archives: 1, proved });
    if (!proved) {
      for (const store of [tell(house.store, about), house.store]) {
        const detaching = detachQuarter({ ...house, store }, run, quarter);
        await expect(detaching).rejects.toMatchObject({ kind: 'corrupt', code: 'archive_damaged' });
      }
      expect(await stand(quarter)).toMatchObject({ state: 'archived', attached: 2 });
    }
    await verifyQuarter(house, run, quarter);
    expect(await stand(quarter)).toEqual({ state: 'archived', attached: 2, archives: 1, proved: true });
    await detachQuarter(house, run, quarter);
    expect(await stand(quarter)).toMatchObject({ state: 'detached', attached: 0 });
  });
});

describe('of an honest store in a bucket', () => {
  it('a quarter is archived, verified and detached, and no temporary file is left', async () => {
    const quarter = quarters.at(-1) ?? '';
    const s3 = await startS3();
    const store: Store = openS3Store({ bucket: s3.bucket, prefix: 'books' }, s3.settings, {
      clock: systemClock,
    });
    try {
      const inBucket = { ...house, store };
      const { location } = await archiveQuarter(inBucket, run, quarter);
      expect(location).toBe(`s3://${s3.bucket}/books/ledger/${quarter}`);
      await verifyQuarter(inBucket, run, quarter);
      await detachQuarter(inBucket, run, quarter);
      expect(await stand(quarter)).toEqual({ state: 'detached', attached: 0, archives: 1, proved: true });
      expect((await store.list('ledger')).map(({ path }) => path)).toEqual(
        (await house.store.list(`ledger/${quarters[0]}`)).map(({ path }) =>
          path.replace(quarters[0] ?? '', quarter),
        ),
      );
    } finally {
      await store.close?.();
      await s3.stop();
    }
  });
});
