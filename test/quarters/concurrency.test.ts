import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { closeQuarter } from '../../src/quarters/close.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { eventsOf, type HouseOptions, openHouse, run, standing } from './support.ts';
import { bookPayments, createLedger } from './support-ledger.ts';
import { runVerb } from './support-process.ts';

let home: TestDatabase;
let house: QuarterHouse;
const options: HouseOptions = { premake: 1, now: '2025-11-11T00:00:00Z' };
const at = (text: string) => new Date(text);

beforeEach(async () => {
  home = await createDatabase();
  house = openHouse(home.url, options);
});

afterEach(async () => {
  await house?.database.close();
  await home?.drop();
});

describe('two processes at once', () => {
  it('create overlapping years of quarters, each of them once', async () => {
    const task = { url: home.url, house: options, verb: 'ensure' } as const;
    const outcomes = await Promise.all([
      runVerb({ ...task, from: '2020-01-01T00:00:00Z', to: '2024-01-01T00:00:00Z' }),
      runVerb({ ...task, from: '2021-01-01T00:00:00Z', to: '2025-01-01T00:00:00Z' }),
      runVerb({ ...task, verb: 'reconcile' }),
    ]);
    const reports = outcomes.map(({ said }) => said[0] as { created?: string[]; failed?: unknown });
    const created = reports.flatMap((report) => report.created ?? []);
    const names = house.calendar.range('2020q1', '2026q1').map(({ name }) => name);
    expect(created.sort()).toEqual(names);
    expect(reports[2]?.failed).toEqual([]);
    expect(await standing(house.database.direct)).toEqual(
      names.map((name) => `${name} open: attached, attached`),
    );
    expect(await eventsOf(house.database.direct, '2022q2')).toEqual(['create']);
  });

  it('close a quarter once', async () => {
    await ensureQuarters(house, run, at('2025-07-01T00:00:00Z'), at('2025-11-11T00:00:00Z'));
    const ledger = await createLedger(house.database.write, 'a', 9);
    await bookPayments(house.database.write, ledger, {
      start: at('2025-07-01T00:00:00Z'),
      end: at('2025-10-01T00:00:00Z'),
      transactions: 100,
    });
    const task = { url: home.url, house: options, verb: 'close', quarter: '2025q3' } as const;
    const outcomes = await Promise.all([runVerb(task), runVerb(task), runVerb(task)]);
    const reports = outcomes.map(({ said }) => said[0] as { closed?: boolean; failed?: string });
    expect(reports.filter(({ closed }) => closed)).toHaveLength(1);
    // The others came while it was at work, or when it was done.
    for (const { closed, failed } of reports)
      expect([true, false, 'quarter_busy']).toContain(closed ?? failed);
    expect(await eventsOf(house.database.direct, '2025q3')).toEqual(['create', 'close']);
    expect((await standing(house.database.direct))[0]).toBe(
      '2025q3 closed: attached fenced, attached fenced',
    );
  });
});

describe('writers while a quarter closes', () => {
  it('are either counted or refused', async () => {
    await ensureQuarters(house, run, at('2025-07-01T00:00:00Z'), at('2025-11-11T00:00:00Z'));
    const ledger = await createLedger(house.database.write, 'a', 3);
    let booked = 0n;
    let refused: unknown;
    const writing = async () => {
      while (refused === undefined) {
        const start = at('2025-08-01T00:00:00Z').getTime() + Number(booked) * 1000;
        await bookPayments(house.database.write, ledger, {
          start: new Date(start),
          end: new Date(start + 1000),
          transactions: 1,
        }).then(
          () => booked++,
          (error: unknown) => {
            refused = error;
          },
        );
      }
    };
    const writer = writing();
    const report = await closeQuarter(house, run, '2025q3');
    await writer;
    expect(refused).toMatchObject({ code: '23514', constraint: 'quarter_closed' });
    expect(report.transactions).toBe(booked);
    const { rows } = await sql`SELECT count(*) AS count FROM ledger.entries`.execute(house.database.read);
    expect(rows).toEqual([{ count: booked * 2n }]);
  });
});
