import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dayAfter } from '../../src/core/days.ts';
import { calendar } from '../../src/core/quarter.ts';
import { findZoneFaults } from '../../src/db/zone-data.ts';
import { type Book, openBook } from '../ledger/fixture.ts';

const zone = 'Europe/Paris';
let book: Book;
beforeAll(async () => {
  book = await openBook({ zone });
  await book.ensureQuarters(new Date('2025-01-01T12:00Z'), new Date('2026-12-01T12:00Z'));
});
afterAll(() => book.close());

const now = new Date('2026-06-01T12:00:00Z');

describe('the first instant of a day', () => {
  // Clocks go back over midnight in Havana, in the Azores and, until 2011, in St John's; they skipped it in Beirut and São Paulo; Samoa
  // skipped a day, and Chatham has quarters of hours.
  it.each([
    'America/Havana',
    'Atlantic/Azores',
    'America/St_Johns',
    'Asia/Beirut',
    'America/Sao_Paulo',
    'America/Asuncion',
    'Pacific/Apia',
    'Pacific/Chatham',
    'Africa/Cairo',
    'Asia/Tehran',
    'Europe/London',
    'UTC',
  ])('is in SQL what the calendar has, in %s', async (name) => {
    const local = calendar(name);
    const days: string[] = [];
    for (let day = '1995-01-01'; day < '2026-01-01'; day = dayAfter(day)) days.push(day);
    // Whatever the zone of the session is.
    const { rows } = await book.db.transaction().execute(async (trx) => {
      await sql`SELECT set_config('TimeZone', 'America/Havana', true)`.execute(trx);
      return sql`
        SELECT day::text AS day, start FROM unnest(${days}::date[], ${days.map((day) => local.startOfDay(day))}::timestamptz[]) AS d (day, start)
        WHERE start <> quartermaster.start_of_day(day, ${name})`.execute(trx);
    });
    expect(rows).toEqual([]);
  });
});

describe('data of time zones', () => {
  it('that are the same are not complained of', async () => {
    expect(await findZoneFaults(book.db, calendar(zone), now)).toEqual([]);
  });

  it('that differ are found, by the day', async () => {
    const known = calendar(zone);
    const [later, true_] = [new Date('2027-03-27T22:00:00Z'), known.startOfDay('2027-03-28')];
    const old = {
      ...known,
      startOfDay: (day: string) => (day === '2027-03-28' ? later : known.startOfDay(day)),
    };
    expect(await findZoneFaults(book.db, old, now)).toEqual([
      { day: '2027-03-28', expected: later, postgres: true_ },
    ]);
  });

  it('that put a quarter elsewhere are found by its stored bounds, once', async () => {
    await sql`UPDATE quartermaster.quarters SET ends_at = ends_at + interval '1 hour' WHERE quarter = '2025q1'`.execute(
      book.db,
    );
    await sql`UPDATE quartermaster.quarters SET starts_at = starts_at + interval '1 hour' WHERE quarter = '2025q2'`.execute(
      book.db,
    );
    expect(await findZoneFaults(book.db, calendar(zone), now)).toEqual([
      {
        day: '2025-04-01',
        expected: new Date('2025-03-31T23:00:00Z'),
        postgres: new Date('2025-03-31T22:00:00Z'),
      },
    ]);
  });
});
