import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freezeQuartersJob } from '../../jobs/freeze-quarters.ts';
import type { JobHouse } from '../../jobs/house.ts';
import { closeQuarter } from '../../src/quarters/close.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import type { JobRun } from '../../src/queue/job.ts';
import { openHouse, run } from '../quarters/support.ts';
import { bookPayments, createLedger } from '../quarters/support-ledger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let home: TestDatabase;
let house: QuarterHouse;
/** Ends the snapshot from before the rows. */
let held: () => Promise<void>;

beforeAll(async () => {
  home = await createDatabase();
  house = openHouse(home.url, { premake: 1, now: '2025-05-05T00:00:00Z' });
  const [start, end] = [new Date('2025-01-01T00:00:00Z'), new Date('2025-04-01T00:00:00Z')];
  await ensureQuarters(house, run, start, new Date('2025-05-05T00:00:00Z'));
  await sql`ALTER TABLE ledger.entries_2025q1 SET (autovacuum_enabled = off)`.execute(house.database.direct);
  const ledger = await createLedger(house.database.write, 'a', 3);
  const reader = await house.database.read.startTransaction().setIsolationLevel('repeatable read').execute();
  await sql`SELECT FROM ledger.ledgers`.execute(reader);
  held = async () => {
    await reader.rollback().execute();
  };
  await bookPayments(house.database.write, ledger, { start, end, transactions: 100 });
  await closeQuarter(house, run, '2025q1');
});
afterAll(async () => {
  await held?.().catch(() => {});
  await house?.database.close();
  await home?.drop();
});

describe('the nightly job', () => {
  it('warns of what was not frozen, and of nothing once it is', async () => {
    const warned: object[] = [];
    const job = freezeQuartersJob({ quarters: house } as JobHouse);
    const logger = { warn: (what: object) => void warned.push(what) };
    const go = () =>
      job.handle({}, {
        logger,
        signal: new AbortController().signal,
        onProgress: () => {},
      } as unknown as JobRun);
    expect(await go()).toMatchObject({ frozen: [], heldBack: [{ quarter: '2025q1' }, {}] });
    expect(warned).toMatchObject([{ heldBack: [{ by: expect.stringContaining('test-house') }, {}] }]);
    await held();
    // Commits that are not on the disk yet hold it back as well.
    await expect.poll(go, { timeout: 20_000 }).toMatchObject({ frozen: ['2025q1'] });
    warned.length = 0;
    expect(await go()).toMatchObject({ frozen: [], heldBack: [], gaveWay: [], failed: [] });
    expect(warned).toEqual([]);
  });
});
