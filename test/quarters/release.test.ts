import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixedClock } from '../../src/core/clock.ts';
import { readOfflineQuarters } from '../../src/db/offline-quarters.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { expireRestores } from '../../src/quarters/expire.ts';
import { holdQuarter } from '../../src/quarters/hold.ts';
import { reconcile } from '../../src/quarters/reconcile.ts';
import { readQuarter } from '../../src/quarters/registry.ts';
import { previewRelease, releaseQuarter } from '../../src/quarters/release.ts';
import { restoreQuarter } from '../../src/quarters/restore.ts';
import { unholdQuarter } from '../../src/quarters/unhold.ts';
import { run } from './archive-fixture.ts';
import { type ArchivedHome, openArchivedHome, takeTo } from './restore-fixture.ts';
import { eventsOf, standing } from './support.ts';

let home: ArchivedHome;
let house: QuarterHouse;
const quarters = ['2024q1', '2024q2', '2024q3', '2024q4'];
const db = () => house.database.direct;
const stand = async (quarter: string) =>
  (await standing(db())).find((line) => line.startsWith(quarter))?.slice(quarter.length + 1);
const restored = 'restored: attached fenced, attached fenced';
const detached = 'detached: standalone fenced, standalone fenced';
const schedule = { actor: 'schedule' };
const offline = async () => (await readOfflineQuarters(db(), undefined, undefined)).map(({ name }) => name);

beforeAll(async () => {
  home = await openArchivedHome(quarters, 60);
  house = home.house;
  await takeTo(house, '2024q1', 'detached');
  await takeTo(house, '2024q2', 'dropped');
  await takeTo(house, '2024q3', 'detached');
});

afterAll(() => home?.close());

describe('a release', () => {
  it('is refused of a quarter that is not restored, and done of one that is out', async () => {
    await expect(releaseQuarter(house, run, '2024q4')).rejects.toMatchObject({ code: 'quarter_state' });
    expect(await releaseQuarter(house, run, '2024q1')).toMatchObject({ released: [] });
  });

  it('waits for a reader without keeping anybody else waiting, and is finished by the next run', async () => {
    await restoreQuarter(house, run, '2024q1');
    expect((await previewRelease(house, run, '2024q1')).steps).toHaveLength(3);
    expect(await offline()).toEqual(['2024q2', '2024q3']);
    const reader = await house.database.read.startTransaction().execute();
    await sql`SELECT count(*) FROM ledger.transactions`.execute(reader);
    const stop = new AbortController();
    const release = { ...run, signal: stop.signal, onBlocked: () => stop.abort() };
    await expect(releaseQuarter(house, release, '2024q1')).rejects.toMatchObject({ kind: 'aborted' });
    expect(await stand('2024q1')).toBe('restored: detaching fenced, attached fenced');
    // Its rows are out of sight already, and who lists them is told so.
    expect(await offline()).toEqual(['2024q1', '2024q2', '2024q3']);
    await reader.commit().execute();
    expect(await releaseQuarter(house, run, '2024q1')).toMatchObject({
      released: ['transactions', 'entries'],
    });
    expect(await stand('2024q1')).toBe(detached);
  });

  it('that was interrupted is taken back by a restore', async () => {
    await restoreQuarter(house, run, '2024q1');
    const reader = await house.database.read.startTransaction().execute();
    await sql`SELECT count(*) FROM ledger.transactions`.execute(reader);
    const stop = new AbortController();
    const release = { ...run, signal: stop.signal, onBlocked: () => stop.abort() };
    await expect(releaseQuarter(house, release, '2024q1')).rejects.toMatchObject({ kind: 'aborted' });
    await reader.commit().execute();
    const until = (await readQuarter(db(), '2024q1')).restored_until;
    expect(await restoreQuarter(house, run, '2024q1')).toMatchObject({ restored: true, loaded: [] });
    expect(await stand('2024q1')).toBe(restored);
    expect(await readQuarter(db(), '2024q1')).toMatchObject({ restored_until: until });
    expect((await reconcile(house, run)).drift).toEqual([]);
  });
});

describe('the expiry of what was restored', () => {
  const on = (day: string): QuarterHouse => ({ ...house, clock: fixedClock(day) });

  it('releases what was restored until then, but for what is held, and drops nothing', async () => {
    const until = new Date('2026-05-10T00:00:00Z');
    await restoreQuarter(house, { ...run, until }, '2024q2');
    await restoreQuarter(house, { ...run, until: new Date('2026-05-20T00:00:00Z') }, '2024q3');
    await restoreQuarter(house, { ...run, until, into: 'audit' }, '2024q4');
    await holdQuarter(house, { ...run, reason: 'a lawsuit' }, '2024q2');

    expect(await expireRestores(on('2026-05-09T23:59:59Z'), schedule)).toEqual({
      released: [],
      withheld: [],
      failed: [],
    });
    expect(await expireRestores(on('2026-05-10T00:00:00Z'), schedule)).toEqual({
      released: [{ quarter: '2024q4', into: 'audit' }],
      withheld: [{ quarter: '2024q2', into: undefined, why: 'a lawsuit' }],
      failed: [],
    });
    expect(await stand('2024q2')).toBe(restored);
    await unholdQuarter(house, run, '2024q2');
    expect((await expireRestores(on('2026-05-10T00:00:00Z'), schedule)).released).toEqual([
      { quarter: '2024q2', into: undefined },
    ]);
    expect(await stand('2024q2')).toBe(detached);
    expect((await eventsOf(db(), '2024q2')).at(-1)).toBe('release');
    expect(await stand('2024q3')).toBe(restored);
  });

  it('goes on when one fails', async () => {
    const { database } = house;
    await sql`DROP TABLE ledger.entries_2024q1`.execute(database.direct);
    const report = await expireRestores(on('2026-06-01T00:00:00Z'), schedule);
    expect(report).toMatchObject({
      released: [{ quarter: '2024q3' }],
      failed: [{ quarter: '2024q1', code: 'partition_missing' }],
    });
    expect(await stand('2024q3')).toBe(detached);
    // The restore mends what is missing, and then its time has come.
    await restoreQuarter(house, run, '2024q1');
    expect((await expireRestores(on('2026-06-01T00:00:00Z'), schedule)).released).toHaveLength(1);
  });

  it('leaves alone what somebody restored for longer while it looked', async () => {
    const until = new Date('2026-05-10T00:00:00Z');
    await restoreQuarter(house, { ...run, until }, '2024q3');
    const longer = new Date('2026-07-01T00:00:00Z');
    await restoreQuarter(house, { ...run, until: longer }, '2024q3');
    expect(await releaseQuarter(house, schedule, '2024q3', until)).toMatchObject({ released: [] });
    expect(await stand('2024q3')).toBe(restored);
  });
});
