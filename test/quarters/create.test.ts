import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planQuarters } from '../../src/core/plan.ts';
import { readParents } from '../../src/db/catalog.ts';
import { withQuarterLock } from '../../src/db/locks.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { createQuarter, ensureQuarters } from '../../src/quarters/create.ts';
import { provisionQuarter, readSituation } from '../../src/quarters/provision.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { eventsOf, type HouseOptions, houseOver, openHouse, run, standing } from './support.ts';

let home: TestDatabase;
let house: QuarterHouse;
const at = (text: string) => new Date(text);
const on = (options: HouseOptions) => houseOver(house.database, options);

beforeAll(async () => {
  home = await createDatabase();
  house = openHouse(home.url, { premake: 1 });
});

afterAll(async () => {
  await house?.database.close();
  await home?.drop();
});

describe('createQuarter', () => {
  it('creates it, and what lies between it and the nearest', async () => {
    const report = await createQuarter(house, run, '2025q4');
    expect(report).toEqual({
      quarter: '2025q4',
      state: 'open',
      created: ['2025q4', '2026q1', '2026q2', '2026q3'],
    });
    expect(await standing(house.database.direct)).toEqual([
      '2025q4 open: attached, attached',
      '2026q1 open: attached, attached',
      '2026q2 open: attached, attached',
      '2026q3 open: attached, attached',
    ]);
    expect(await eventsOf(house.database.direct, '2025q4')).toEqual(['create']);
  });

  it('changes nothing when it exists, whatever its state, and says so', async () => {
    expect(await createQuarter(house, run, '2025q4')).toMatchObject({ state: 'open', created: [] });
    expect(await eventsOf(house.database.direct, '2025q4')).toEqual(['create']);
  });

  it('goes further ahead than the schedule would, when a person asks for it', async () => {
    expect((await createQuarter(house, run, '2027q1')).created).toEqual(['2026q4', '2027q1']);
  });

  it('refuses a word that is no quarter', async () => {
    await expect(createQuarter(house, run, '2025q5')).rejects.toMatchObject({ code: 'invalid_quarter' });
  });

  it('says what is in the way', async () => {
    await sql`
      CREATE TABLE ledger.entries_early PARTITION OF ledger.entries
      FOR VALUES FROM ('2025-01-01 00:00:00+00') TO ('2025-04-01 00:00:00+00')`.execute(
      house.database.direct,
    );
    await expect(createQuarter(house, run, '2025q1')).rejects.toMatchObject({
      kind: 'conflict',
      code: 'quarter_not_created',
      detail: expect.stringContaining('ledger.entries_early lies where entries of 2025q1 should be'),
    });
    await sql`DROP TABLE ledger.entries_early`.execute(house.database.direct);
    expect((await createQuarter(house, run, '2025q1')).state).toBe('open');
  });
});

describe('ensureQuarters', () => {
  it('creates the history a load needs, and then costs one query', async () => {
    const report = await ensureQuarters(house, run, at('2024-05-05T00:00:00Z'), at('2024-08-08T00:00:00Z'));
    expect(report).toEqual({ created: ['2024q2', '2024q3', '2024q4'], notOpen: [] });
    const silent: QuarterHouse = {
      ...house,
      database: { ...house.database, direct: undefined as unknown as QuarterHouse['database']['direct'] },
    };
    const again = await ensureQuarters(silent, run, at('2024-04-01T00:00:00Z'), at('2026-12-31T23:59:59Z'));
    expect(again).toEqual({ created: [], notOpen: [] });
  });

  it('is not kept from it by what is wrong elsewhere', async () => {
    await sql`CREATE TYPE ledger.entries_2027q2 AS ENUM ()`.execute(house.database.direct);
    const ahead = on({ premake: 4 });
    const { created } = await ensureQuarters(ahead, run, at('2024-02-02'), at('2024-02-02'));
    expect(created).toEqual(['2024q1']);
    await expect(createQuarter(ahead, run, '2027q2')).rejects.toThrow('entries_2027q2');
    await sql`DROP TYPE ledger.entries_2027q2`.execute(house.database.direct);
  });

  it('tells which quarters of the range take no rows any more', async () => {
    await house.database.write
      .updateTable('quartermaster.quarters')
      .set({ state: 'closed' })
      .where('quarter', '=', '2024q3')
      .execute();
    const report = await ensureQuarters(house, run, at('2024-08-08T00:00:00Z'), at('2024-11-11T00:00:00Z'));
    expect(report.notOpen).toEqual([{ quarter: '2024q3', state: 'closed' }]);
  });

  it('refuses what lies before the oldest date, and creates nothing on the way there', async () => {
    const before = await standing(house.database.direct);
    const young = on({ oldest: '2023-05-05T00:00:00Z' });
    await expect(
      ensureQuarters(young, run, at('2023-03-31T23:59:59Z'), at('2026-01-01T00:00:00Z')),
    ).rejects.toMatchObject({
      kind: 'refused',
      code: 'before_oldest',
      detail: expect.stringMatching(/^2023q1 is before 2023q2, .* QM_OLDEST_DATE/),
    });
    expect(await standing(house.database.direct)).toEqual(before);
    // The quarter that holds the oldest day is created whole.
    await ensureQuarters(young, run, at('2023-04-01T00:00:00Z'), at('2023-04-01T00:00:00Z'));
    expect((await standing(house.database.direct))[0]).toBe('2023q2 open: attached, attached');
  });

  it('refuses what lies further ahead than quarters are created', async () => {
    await expect(
      ensureQuarters(house, run, at('2026-05-05T00:00:00Z'), at('2097-01-01T00:00:00Z')),
    ).rejects.toMatchObject({
      kind: 'refused',
      code: 'beyond_horizon',
      detail: expect.stringContaining('2097-01-01T00:00:00.000Z lies in 2097q1'),
    });
  });

  it('refuses more than 400 quarters at once, with the numbers', async () => {
    const before = await standing(house.database.direct);
    const old = on({ oldest: '1900-01-01T00:00:00Z' });
    await expect(
      ensureQuarters(old, run, at('1923-01-01T00:00:00Z'), at('1923-01-01T00:00:00Z')),
    ).rejects.toMatchObject({
      kind: 'refused',
      code: 'too_many_quarters',
      detail: expect.stringMatching(
        /^401 quarters would have to be created, 1923q1 to 2023q1, and 400 at once/,
      ),
    });
    expect(await standing(house.database.direct)).toEqual(before);
  });

  it('waits for another process that is at one of the quarters', async () => {
    const taken = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const holding = withQuarterLock(house.database.direct, '2023q1', async () => {
      taken.resolve();
      await held.promise;
    });
    await taken.promise;
    // It looks at the clock once to know how far ahead is allowed, and once for each plan.
    const triedAgain = Promise.withResolvers<void>();
    let looks = 0;
    const now = () => {
      if (++looks === 3) triedAgain.resolve();
      return house.clock.now();
    };
    const patient = ensureQuarters({ ...house, clock: { now } }, run, at('2023-02-02'), at('2023-02-02'));
    await Promise.race([triedAgain.promise, patient]);
    held.resolve();
    await holding;
    expect(await patient).toEqual({ created: ['2023q1'], notOpen: [] });
  });

  it('looks again at what another process did since the plan was made', async () => {
    const { direct } = house.database;
    const plan = planQuarters(await readSituation(house, direct, { from: '2022q4', to: '2022q4' }));
    const provision = plan.provision[0] as (typeof plan.provision)[0];
    expect(provision.quarter.name).toBe('2022q4');
    const { start, end } = provision.quarter;
    await house.database.write
      .insertInto('quartermaster.quarters')
      .values({ quarter: '2022q4', starts_at: start, ends_at: end, state: 'dropped' })
      .execute();
    const parents = await readParents(direct);
    const provided = await direct
      .connection()
      .execute((session) => provisionQuarter(session, parents, provision, run));
    expect(provided).toBe(false);
    expect((await standing(direct))[0]).toBe('2022q4 dropped: missing, missing');
  });

  it('takes a row for 1970 when the oldest date allows it', async () => {
    const old = on({ oldest: '1970-01-01T00:00:00Z' });
    const { created } = await ensureQuarters(
      old,
      run,
      at('1970-01-01T00:00:00Z'),
      at('1970-01-01T00:00:00Z'),
    );
    expect(created).toHaveLength(211);
    expect(created[0]).toBe('1970q1');
  });
});
