import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobHouse } from '../../jobs/house.ts';
import { refreshReportsJob } from '../../jobs/refresh-reports.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { closeQuarter } from '../../src/quarters/close.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { reopenQuarter } from '../../src/quarters/reopen.ts';
import { refreshTopCounterparties } from '../../src/summaries/top-counterparties.ts';
import { openHouse, run } from '../quarters/support.ts';
import { bookPayments, createLedger } from '../quarters/support-ledger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { difference } from './fixture.ts';
import { readingOf } from './loaded.ts';

let home: TestDatabase;
let house: QuarterHouse;
const at = (text: string) => new Date(`${text}T00:00:00Z`);
const [q1, q2, end] = [at('2025-01-01'), at('2025-04-01'), at('2025-07-01')];

beforeAll(async () => {
  home = await createDatabase();
  house = openHouse(home.url, { premake: 1, now: '2025-07-11T00:00:00Z' });
  const db = house.database.write;
  await ensureQuarters(house, run, q1, end);
  for (const [name, accounts] of [
    ['many', 150],
    ['few', 7],
  ] as const) {
    const ledger = await createLedger(db, name, accounts);
    // Each entity has a second account.
    await sql`UPDATE ledger.accounts SET entity_id = 'user-' || id / 2, group_type = 'KIND_' || id % 2 WHERE ledger_id = ${ledger}`.execute(
      db,
    );
    await bookPayments(db, ledger, { start: q1, end: q2, transactions: 900 });
    await bookPayments(db, ledger, { start: q2, end, transactions: 400 });
  }
  await createLedger(db, 'still', 300);
});

afterAll(async () => {
  await house?.database.close();
  await home?.drop();
});

const refresh = () => refreshTopCounterparties({ database: house.database });
const view = 'reports.top_counterparties_quarterly';
const columns =
  'ledger, quarter, currency, rank, entity_id, debits_minor, credits_minor, turnover_minor, turnover';

/** The first hundred of each ledger, from all entries that there are. */
const ranked = `
  SELECT l.name, e.quarter, 'EUR', r.rank::integer, r.entity_id, r.debits, r.credits, r.debits + r.credits, (r.debits + r.credits) / 100.0
  FROM ledger.ledgers AS l CROSS JOIN (VALUES ('2025q1', timestamptz '${q1.toISOString()}'), ('2025q2', '${q2.toISOString()}')) AS e (quarter, start)
  CROSS JOIN LATERAL (
    SELECT s.*, row_number() OVER () AS rank FROM (
      SELECT a.entity_id, sum(greatest(-x.amount, 0)) AS debits, sum(greatest(x.amount, 0)) AS credits
      FROM ledger.entries AS x JOIN ledger.accounts AS a ON a.ledger_id = x.ledger_id AND a.id = x.account_id
      WHERE x.ledger_id = l.id AND x.created_at >= e.start AND x.created_at < e.start + interval '3 months'
      GROUP BY a.entity_id ORDER BY sum(abs(x.amount)) DESC, a.entity_id LIMIT 100) AS s
  ) AS r`;

const shown = () =>
  sql.raw(`SELECT * FROM ${view} ORDER BY ledger_id, quarter, rank`).execute(house.database.write);
const wrong = () => difference(house.database.write, `SELECT ${columns} FROM ${view}`, ranked);

async function finals(): Promise<unknown[]> {
  const { rows } = await sql
    .raw(`SELECT quarter, bool_and(is_final) AS final, count(*)::integer AS n,
                 bool_and(as_of = (SELECT closed_at FROM quartermaster.quarters AS q WHERE q.quarter = t.quarter)) AS "atClose"
          FROM ${view} AS t GROUP BY quarter ORDER BY quarter`)
    .execute(house.database.write);
  return rows;
}

/** A lock that lets a refresh do all but the last thing it writes. */
async function hold() {
  const blocker = await house.database.direct.startTransaction().execute();
  await sql`LOCK TABLE quartermaster.refreshes IN SHARE MODE`.execute(blocker);
  return blocker;
}

async function waiting(application: string): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    SELECT count(*)::integer AS n FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = ${application} AND wait_event_type = 'Lock'`.execute(
    house.database.write,
  );
  return rows[0]?.n ?? 0;
}

describe('the counterparties that moved most', () => {
  it('are there before anything was booked, and none', async () => {
    expect((await shown()).rows).toEqual([]);
  });

  it('are the first hundred of each ledger and quarter, equals in order of their names', async () => {
    const report = await refresh();
    expect(report).toMatchObject({ refreshed: true, rows: 160, final: 0 });
    expect(await wrong()).toEqual([]);
    const { rows } = await sql
      .raw(`SELECT max(rank)::integer AS last FROM ${view}`)
      .execute(house.database.write);
    expect(rows).toEqual([{ last: 76 }]);
  });

  it('are fixed at close, and not computed again', async () => {
    await closeQuarter(house, run, '2025q1');
    expect(await refresh()).toMatchObject({ refreshed: true, final: 80 });
    expect(await wrong()).toEqual([]);
    expect(await finals()).toMatchObject([
      { quarter: '2025q1', final: true, atClose: true },
      { quarter: '2025q2', final: false },
    ]);
    // What the refresh runs looks into the partitions of open quarters and into no other.
    const { rows } = await sql<{ text: string }>`SELECT pg_get_viewdef(${view}::regclass) AS text`.execute(
      house.database.direct,
    );
    const { tables } = await readingOf(house.database.direct, (rows[0]?.text ?? '').replace(/;\s*$/, ''));
    expect(Object.keys(tables).filter((name) => name.startsWith('entries_'))).toEqual(
      expect.arrayContaining(['entries_2025q2']),
    );
    expect(Object.keys(tables)).not.toContain('entries_2025q1');
  });

  it('are computed from the rows again when the quarter is reopened, and fixed anew when it is closed', async () => {
    const db = house.database.write;
    const fixed = async () =>
      (
        await sql`SELECT quarter, count(*)::integer AS n FROM ledger.quarter_counterparties GROUP BY quarter`.execute(
          db,
        )
      ).rows;
    expect(await fixed()).toEqual([{ quarter: '2025q1', n: 80 }]);
    await reopenQuarter(house, { ...run, reason: 'to test it' }, '2025q1');
    expect(await fixed()).toEqual([]);
    await refresh();
    expect(await finals()).toMatchObject([{ final: false }, { final: false }]);
    expect(await wrong()).toEqual([]);
    await closeQuarter(house, run, '2025q1');
    expect(await fixed()).toEqual([{ quarter: '2025q1', n: 80 }]);
    await refresh();
    expect(await finals()).toMatchObject([{ final: true }, { final: false }]);
  });

  it('are one hundred at most', async () => {
    const db = house.database.write;
    await sql`UPDATE ledger.accounts SET entity_id = 'solo-' || id WHERE ledger_id = 1`.execute(db);
    await refresh();
    const { rows } = await sql
      .raw(`SELECT count(*)::integer AS n FROM ${view} WHERE ledger = 'many' AND quarter = '2025q2'`)
      .execute(db);
    expect(rows).toEqual([{ n: 100 }]);
    // The quarter that is closed has the names that its accounts had.
    const { rows: kept } = await sql
      .raw(`SELECT count(*)::integer AS n FROM ${view} WHERE ledger = 'many' AND quarter = '2025q1'`)
      .execute(db);
    expect(kept).toEqual([{ n: 76 }]);
    await closeQuarter(house, run, '2025q2');
    await refresh();
    const { rows: closed } = await sql
      .raw(
        `SELECT count(*)::integer AS n, max(rank) AS last FROM ${view} WHERE ledger = 'many' AND quarter = '2025q2'`,
      )
      .execute(db);
    expect(closed).toEqual([{ n: 100, last: 100 }]);
  });

  it('can be read while they are refreshed, by one process at a time', async () => {
    const blocker = await hold();
    const first = refresh();
    await expect.poll(() => waiting('test-house'), { timeout: 20_000 }).toBe(1);
    await expect(refresh()).rejects.toMatchObject({ kind: 'busy', code: 'already_running' });
    expect((await shown()).rows.length).toBeGreaterThan(100);
    await blocker.rollback().execute();
    expect(await first).toMatchObject({ refreshed: true });
  });

  it('are as they were when a refresh is killed midway', { timeout: 60_000 }, async () => {
    const before = await shown();
    await sql`UPDATE ledger.quarter_counterparties SET entity_id = entity_id || ' changed'`.execute(
      house.database.write,
    );
    const blocker = await hold();
    const script = fileURLToPath(new URL('./top-counterparties-child.ts', import.meta.url));
    const child = spawn(process.execPath, [script, home.url], { stdio: ['ignore', 'ignore', 'inherit'] });
    await expect.poll(() => waiting('counterparties-child'), { timeout: 20_000 }).toBe(1);
    child.kill('SIGKILL');
    await once(child, 'exit');
    // The server ends a statement whose client is gone, though it waits for a lock that nobody lets go.
    await expect.poll(() => waiting('counterparties-child'), { timeout: 20_000 }).toBe(0);
    await blocker.rollback().execute();
    expect(await shown()).toEqual(before);
    await refresh();
    expect(JSON.stringify((await shown()).rows)).toContain(' changed');
  });

  it('are filled for the first time, too, and say how old they are', async () => {
    const { direct } = house.database;
    await sql.raw(`REFRESH MATERIALIZED VIEW ${view} WITH NO DATA`).execute(direct);
    const young = () => refreshTopCounterparties({ database: house.database, unlessWithinHours: 6 });
    expect(await young()).toMatchObject({ refreshed: true });
    expect(await young()).toMatchObject({ refreshed: false });
    await sql`UPDATE quartermaster.refreshes SET refreshed_at = now() - interval '7 hours'`.execute(direct);
    const { rows } = await sql`
      SELECT name, extract(hour FROM age)::integer AS hours, lag = age OR lag > age AS lags, seconds > 0 AS took
      FROM reports.freshness WHERE refreshed_at IS NOT NULL`.execute(direct);
    expect(rows).toEqual([{ name: 'top_counterparties_quarterly', hours: 7, lags: true, took: true }]);
    expect(await young()).toMatchObject({ refreshed: true });
  });

  it('are refreshed by the job, at the start of a worker only where the schedule was missed', async () => {
    const job = refreshReportsJob({ database: house.database } as JobHouse);
    const handle = (data: object) =>
      job.handle(data, {
        id: '1',
        signal: new AbortController().signal,
        logger: createLogger('silent'),
        onProgress: () => {},
      });
    expect(job).toMatchObject({ atStart: true, schedule: '15 */6 * * *' });
    expect(await handle({ atStart: true })).toMatchObject({ refreshed: false });
    expect(await handle({})).toMatchObject({ refreshed: true });
    await sql`UPDATE quartermaster.refreshes SET refreshed_at = now() - interval '7 hours'`.execute(
      house.database.write,
    );
    expect(await handle({ atStart: true })).toMatchObject({ refreshed: true });
  });
});
