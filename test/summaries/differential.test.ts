import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { readDaily } from '../../src/summaries/report.ts';
import { differing } from './plain.ts';
import { openWorld, type World } from './world.ts';

const STEPS = 110;

describe('whatever is posted, loaded, closed, reopened and killed, the summaries are the plain sums of the rows', () => {
  it.each([
    [1, 'Europe/Paris'],
    [2, 'America/Santiago'],
    [3, 'UTC'],
  ])('by seed %i in %s', { timeout: 120_000 }, async (seed, zone) => {
    const world = await openWorld(seed, zone);
    const reader = startReader(world);
    let counted = 0;
    try {
      for (let step = 1; step <= STEPS; step++) {
        const name = await world.step();
        expect(await differing(world.book.db, zone), `after step ${step}, ${name}`).toEqual([]);
        if (step % 5 === 0) counted += await expectLiveReads(world);
      }
      await world.refresh();
      expect(await world.marks()).toBe(0);
      expect(await differing(world.book.db, zone)).toEqual([]);
      expect(await reader.stop()).toEqual([]);
      expect(counted).toBeGreaterThan(20);
      // Each kind of step was taken, or this test tests less than it says.
      expect([...world.taken].sort()).toEqual(world.kinds);
      const { rows } = await sql<{ n: number }>`
        SELECT count(*)::int AS n FROM ledger.daily_balances`.execute(world.book.db);
      expect(rows[0]?.n).toBeGreaterThan(100);
    } finally {
      await reader.stop();
      await world.close();
    }
  });
});

/** Looks at everything again and again, in one statement each time, while the steps are taken. */
function startReader({ book, zone }: World): { stop(): Promise<string[]> } {
  const found: string[] = [];
  let isOver = false;
  const reading = (async () => {
    while (!isOver) found.push(...(await differing(book.db, zone)));
  })();
  return {
    async stop() {
      isOver = true;
      await reading;
      return found;
    },
  };
}

/**
 * A report counts what is not summed up yet, so it is right at any time, except on days that it names. Returns how many marked days
 * it was right about.
 */
async function expectLiveReads(world: World): Promise<number> {
  const { book, zone } = world;
  const query = { from: '2000-01-01', to: '2099-12-31', groupBy: 'day' } as const;
  const { lines, staleDays } = await readDaily(book, book.ledger.id, query);
  const { rows } = await sql<{ period: string }>`
    SELECT to_char((created_at AT TIME ZONE ${sql.lit(zone)})::date, 'YYYY-MM-DD') AS period, currency, status,
           count(*) AS "transactionCount", sum(amount)::bigint AS "totalAmount"
    FROM ledger.transactions
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`.execute(book.db);
  const isExact = ({ period }: { period: string }) => !staleDays.includes(period);
  expect(lines.filter(isExact).map(({ start: _, ...line }) => line)).toEqual(rows.filter(isExact));
  const marked = await world.markedDays();
  // Of many marked days the newest 62 are counted, so no other reason makes a day stale.
  expect(staleDays).toEqual(marked.slice(0, Math.max(0, marked.length - 62)));
  return marked.length - staleDays.length;
}
