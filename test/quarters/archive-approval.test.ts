import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readManifest } from '../../src/archive/verify.ts';
import { readApprovals } from '../../src/quarters/approvals.ts';
import { approveQuarter } from '../../src/quarters/approve.ts';
import { archiveQuarter, previewArchive } from '../../src/quarters/archive.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { readQuarter } from '../../src/quarters/registry.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { bookNastyPayments, closeQuarters, openArchiveHouse, run } from './archive-fixture.ts';

const quarter = '2024q1';
let home: TestDatabase;
let directory: string;
let house: QuarterHouse;

beforeAll(async () => {
  home = await createDatabase();
  directory = await mkdtemp(join(tmpdir(), 'test-archive-'));
  house = { ...openArchiveHouse(home.url, directory), archiveApproval: 'required' };
  await bookNastyPayments(house, [{ quarter, transactions: 90 }]);
  await closeQuarters(house, [quarter]);
});

afterAll(async () => {
  await house?.database.close();
  await home?.drop();
  await rm(directory, { recursive: true, force: true });
});

describe('an archive that takes two people', () => {
  const refused = { kind: 'conflict', code: 'approval_required' };
  const asked = async () =>
    readApprovals(house.database.direct, await readQuarter(house.database.direct, quarter));

  it('is looked at without being asked for', async () => {
    expect((await previewArchive(house, run, quarter)).obstacles).toMatchObject([
      { code: 'approval_required' },
    ]);
    expect(await asked()).toEqual([]);
  });

  it('waits for the other one, with nothing written, and keeps who asked first', async () => {
    await expect(archiveQuarter(house, run, quarter)).rejects.toMatchObject(refused);
    await expect(archiveQuarter(house, { actor: 'bob' }, quarter)).rejects.toMatchObject(refused);
    expect(await asked()).toMatchObject([{ verb: 'archive', requested_by: 'ada', reason: 'year-end' }]);
    expect(await house.store.list('ledger')).toEqual([]);
    await expect(approveQuarter(house, run, quarter)).rejects.toMatchObject({ code: 'own_request' });
  });

  it('goes on when the other one has approved it, and names both', async () => {
    await approveQuarter(house, { actor: 'bob' }, quarter);
    // Asked again, as by a client that has heard no answer, it is done.
    const done = { quarter, approved: [] };
    expect(await approveQuarter(house, { actor: 'bob' }, quarter)).toEqual(done);
    expect((await previewArchive(house, run, quarter)).obstacles).toEqual([]);
    await archiveQuarter(house, { actor: 'schedule' }, quarter);
    const { manifest } = await readManifest(house.store, `ledger/${quarter}`);
    const at = house.clock.now().toISOString();
    expect(manifest.archived).toMatchObject({
      by: 'schedule',
      requested_by: 'ada',
      requested_at: at,
      approved_by: 'bob',
      approved_at: at,
    });
    expect(await previewArchive(house, run, quarter)).toEqual({ done: true, obstacles: [], steps: [] });
    expect(await approveQuarter(house, { actor: 'bob' }, quarter)).toEqual(done);
  });
});
