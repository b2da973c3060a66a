import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openDiskStore } from '../../src/archive/disk-store.ts';
import type { Store } from '../../src/archive/store.ts';
import { fixedClock } from '../../src/core/clock.ts';
import { archiveQuarter } from '../../src/quarters/archive.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { detachQuarter } from '../../src/quarters/detach.ts';
import { readQuarter } from '../../src/quarters/registry.ts';
import { verifyQuarter } from '../../src/quarters/verify.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { bookNastyPayments, closeQuarters, openArchiveHouse, run } from './archive-fixture.ts';

let home: TestDatabase;
let directory: string;
let house: QuarterHouse;
const later = { clock: fixedClock('2026-08-08T08:00:00Z') };

beforeAll(async () => {
  home = await createDatabase();
  directory = await mkdtemp(join(tmpdir(), 'test-verify-'));
  house = openArchiveHouse(home.url, directory);
  await bookNastyPayments(house, [
    { quarter: '2024q1', transactions: 90 },
    { quarter: '2024q2', transactions: 90 },
    { quarter: '2024q3', transactions: 90 },
  ]);
  await closeQuarters(house, ['2024q1', '2024q2', '2024q3']);
  await archiveQuarter(house, run, '2024q1');
  await archiveQuarter(house, run, '2024q2');
});

afterAll(async () => {
  await house?.database.close();
  await home?.drop();
  await rm(directory, { recursive: true, force: true });
});

const place = (quarter: string) => join(directory, 'ledger', quarter);
const stand = () => readQuarter(house.database.direct, '2024q1');
const eventsOf = async () =>
  house.database.direct
    .selectFrom('quartermaster.quarter_events')
    .select(['event', 'actor', 'detail'])
    .where('quarter', '=', '2024q1')
    .orderBy('id')
    .execute();

describe('verifying a quarter', () => {
  let before: number;
  beforeEach(async () => {
    before = (await eventsOf()).length;
  });

  /** The quarter as it was, and one more event that says why. */
  async function expectFailure(damage: RegExp, store: Store = house.store): Promise<void> {
    const was = await stand();
    const failing = verifyQuarter({ ...house, ...later, store }, run, '2024q1');
    await expect(failing).rejects.toMatchObject({ detail: expect.stringMatching(damage) });
    // Nothing may leave the ledger on the word of an archive that is known to be damaged.
    expect(await stand()).toEqual({ ...was, verified_at: null });
    await expect(detachQuarter(house, run, '2024q1')).rejects.toMatchObject({ code: 'archive_damaged' });
    expect((await stand()).state).toBe('archived');
    const events = await eventsOf();
    expect(events).toHaveLength(before + 1);
    expect(events.at(-1)).toMatchObject({
      event: 'verify_failed',
      actor: 'ada',
      detail: { detail: expect.stringMatching(damage) },
    });
  }

  it('reads all of it again, and says so in its row and its story', async () => {
    const report = await verifyQuarter({ ...house, ...later }, run, '2024q1');
    expect(report.checks.map(({ name }) => name)).toContain('record');
    expect((await stand()).verified_at).toEqual(later.clock.now());
    expect((await stand()).state).toBe('archived');
    const archive = await house.database.direct
      .selectFrom('quartermaster.archives')
      .select('verified_at')
      .where('quarter', '=', '2024q1')
      .executeTakeFirstOrThrow();
    expect(archive.verified_at).toEqual(later.clock.now());
    const [event] = (await eventsOf()).slice(-1);
    expect(event).toMatchObject({ event: 'verify', detail: { digest: report.digest } });
  });

  it('fails when a file is damaged', async () => {
    const file = join(place('2024q1'), 'entries/part-0000.parquet');
    const bytes = await readFile(file);
    await writeFile(file, bytes.subarray(0, -1));
    await expectFailure(/checksums: entries\/part-0000\.parquet has \d+ bytes/);
    await writeFile(file, bytes);
  });

  it('fails when a manifest that is sound in itself is not the one that was written', async () => {
    const file = join(place('2024q1'), 'manifest.json');
    const bytes = await readFile(file);
    await writeFile(file, bytes.toString().replace('"by": "ada"', '"by": "eve"'));
    await expectFailure(/record: the manifest is not the one that was written/);
    await writeFile(file, bytes);
  });

  it('fails when another quarter’s archive is in its place', async () => {
    await rename(place('2024q1'), `${place('2024q1')}-aside`);
    await rename(place('2024q2'), place('2024q1'));
    await expectFailure(/it is the archive of 2024q2; its digest is/);
    await rename(place('2024q1'), place('2024q2'));
    await rename(`${place('2024q1')}-aside`, place('2024q1'));
  });

  it('fails when the archive is gone', async () => {
    await expectFailure(/manifest\.json is not in the store/, openDiskStore(join(directory, 'nowhere')));
  });

  it('proves nothing when the store cannot be reached, and writes no story of it', async () => {
    const file = join(directory, 'no directory');
    await writeFile(file, '');
    const broken: Store = {
      ...house.store,
      list: (folder) =>
        openDiskStore(join(file, 'below'))
          .put(folder, file)
          .then(() => []),
    };
    const failing = verifyQuarter({ ...house, store: broken }, run, '2024q1');
    await expect(failing).rejects.toMatchObject({ kind: 'unavailable', code: 'store_failed' });
    expect(await eventsOf()).toHaveLength(before);
  });

  it('needs an archive', async () => {
    await expect(verifyQuarter(house, run, '2024q3')).rejects.toMatchObject({ code: 'quarter_state' });
    await expect(verifyQuarter(house, run, '1999q1')).rejects.toMatchObject({ code: 'no_such_quarter' });
  });
});
