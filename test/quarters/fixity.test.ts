import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Store } from '../../src/archive/store.ts';
import { fixedClock } from '../../src/core/clock.ts';
import { AppError } from '../../src/core/errors.ts';
import { archiveQuarter } from '../../src/quarters/archive.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { checkFixity } from '../../src/quarters/fixity.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { bookNastyPayments, closeQuarters, openArchiveHouse } from './archive-fixture.ts';
import { eventsOf } from './support.ts';

const quarters = ['2024q1', '2024q2', '2024q3'];
const run = { actor: 'schedule' };
let home: TestDatabase;
let directory: string;
let house: QuarterHouse;
const on = (day: string): QuarterHouse => ({ ...house, clock: fixedClock(`${day}T04:20:00Z`) });
const place = (quarter: string, path: string) => join(directory, 'ledger', quarter, path);

beforeAll(async () => {
  home = await createDatabase();
  directory = await mkdtemp(join(tmpdir(), 'test-fixity-'));
  house = openArchiveHouse(home.url, directory);
  await bookNastyPayments(
    house,
    quarters.map((quarter) => ({ quarter, transactions: 90 })),
  );
  await closeQuarters(house, quarters);
  for (const quarter of quarters) await archiveQuarter(house, run, quarter);
});

afterAll(async () => {
  await house?.database.close();
  await home?.drop();
  await rm(directory, { recursive: true, force: true });
});

describe('the fixity check', () => {
  it('reads a share of the archives each day, and all of them within the days', async () => {
    const read: string[][] = [];
    for (const day of ['2026-05-06', '2026-05-07', '2026-05-08'])
      read.push([...(await checkFixity(on(day), run, 3)).verified]);
    expect(read.flat()).toEqual(expect.arrayContaining(quarters));
    const report = await checkFixity(on('2026-05-08'), run, 3);
    expect(report).toMatchObject({ verified: [], damaged: [], remaining: 3, chain: null });
    expect(report.oldestVerifiedAt?.getTime()).toBeGreaterThan(Date.parse('2026-05-05T23:00:00Z'));
  });

  it('proves nothing while the store is away, and is to be tried again', async () => {
    const away: Store = {
      ...house.store,
      open: async () => {
        throw new AppError('unavailable', 'store_failed', 'The disk is not there.');
      },
    };
    const before = await eventsOf(house.database.direct, '2024q1');
    const checking = checkFixity({ ...on('2026-09-01'), store: away }, run, 90);
    await expect(checking).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await eventsOf(house.database.direct, '2024q1')).toEqual(before);
  });

  it('finds a damaged archive, reads the others all the same, and the damaged one again until it is sound', async () => {
    const file = place('2024q1', 'entries/part-0000.parquet');
    const bytes = await readFile(file);
    await writeFile(file, bytes.subarray(0, -1));
    const report = await checkFixity(on('2026-10-01'), run, 90);
    expect(report.damaged).toMatchObject([{ quarter: '2024q1', code: 'archive_damaged' }]);
    expect([...report.verified].sort()).toEqual(['2024q2', '2024q3']);
    expect(report.oldestVerifiedAt).toEqual(new Date('2026-10-01T04:20:00Z'));
    expect((await eventsOf(house.database.direct, '2024q1')).at(-1)).toBe('verify_failed');

    const next = await checkFixity(on('2026-10-02'), run, 90);
    expect(next.damaged.map(({ quarter }) => quarter)).toEqual(['2024q1']);
    await writeFile(file, bytes);
    const mended = await checkFixity(on('2026-10-03'), run, 90);
    expect(mended).toMatchObject({ damaged: [], chain: null });
    expect(mended.verified).toContain('2024q1');
  });

  it('follows the chain of all archives, whichever are due, and minds none that is not done', async () => {
    await writeFile(place('2024q3', '../stray.txt'), '');
    const manifest = place('2024q2', 'manifest.json');
    const bytes = await readFile(manifest);
    await writeFile(manifest, bytes.toString().replace('"by": "schedule"', '"by": "eve"'));
    const report = await checkFixity(on('2026-10-04'), run, 90);
    expect(report.chain).toMatchObject({ code: 'chain_broken', detail: expect.stringContaining('2024q3') });
    await writeFile(manifest, bytes);
    expect((await checkFixity(on('2026-10-05'), run, 90)).chain).toBeNull();
  });
});
