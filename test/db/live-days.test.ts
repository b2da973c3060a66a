import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { partitionName, quarterTables } from '../../src/core/tables.ts';
import { type LiveDays, readWithLiveDays } from '../../src/db/live-days.ts';
import { useBooks } from '../summaries/books.ts';

const books = useBooks('UTC');

it('takes a day as it is stored when the quarter left while its rows were being counted', async () => {
  const { calendar, database } = books;
  await books.attach(['2026q1', '2026q2']);
  for (const [name, state] of [
    ['2026q1', 'archived'],
    ['2026q2', 'open'],
  ] as const) {
    const { start, end } = calendar.quarter(name);
    await database.write
      .insertInto('quartermaster.quarters')
      .values({ quarter: name, starts_at: start, ends_at: end, state })
      .execute();
  }
  const asked: LiveDays[] = [];
  const { result, stale } = await readWithLiveDays({ db: database.write, calendar }, async (days) => {
    asked.push(days);
    if (asked.length === 1) return { missed: ['2026-02-03', '2026-04-05'], found: 0 };
    // The state says so only when both have left.
    if (asked.length === 2) {
      for (const table of quarterTables) {
        const name = `${table.schema}.${table.name}`;
        const partition = `${table.schema}.${partitionName(table, '2026q1')}`;
        await sql.raw(`ALTER TABLE ${name} DETACH PARTITION ${partition}`).execute(database.direct);
      }
    }
    return { missed: [], found: asked.length };
  });
  expect(result.found).toBe(3);
  expect(stale).toEqual(['2026-02-03']);
  expect(asked.map(({ live, stale: stored }) => [live.map(({ day }) => day), stored])).toEqual([
    [[], []],
    [['2026-02-03', '2026-04-05'], []],
    [['2026-04-05'], ['2026-02-03']],
  ]);
});
