import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { createApp } from '../../src/http/app.ts';
import type { App } from '../../src/http/app-type.ts';
import { recordHouseEvent } from '../../src/ledger/house-events.ts';
import { type EventsQuery, readEvents } from '../../src/quarters/events.ts';
import { recordEvent } from '../../src/quarters/registry.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { inRole } from '../support/roles.ts';
import { ways } from '../support/ways.ts';
import { emptyHouse, inject, problemIn } from './house.ts';

interface Event {
  readonly id: string;
  readonly at: string;
  readonly quarter: string | null;
  readonly event: string;
  readonly actor: string;
}

let home: TestDatabase;
let owner: Database;
let api: Database;
let app: App;

beforeAll(async () => {
  home = await createDatabase();
  owner = openDatabase({ ...ways(home.url), poolMax: 2 });
  api = openDatabase({ ...ways(inRole(home.url, 'api')), poolMax: 2 });
  const { operation, ...rest } = emptyHouse();
  app = createApp({
    ...rest,
    operation: { ...operation, events: (query) => readEvents(api.write, query) },
  });
  for (let i = 0; i < 12; i++) {
    const actor = i % 3 === 0 ? 'ada' : 'schedule';
    await recordEvent(api.write, `2025q${1 + (i % 2)}`, i % 2 ? 'close' : 'hold', {
      actor,
      reason: `the ${i}th`,
    });
  }
  await recordHouseEvent(api.write, { event: 'queue-run', actor: 'ada', detail: { queue: 'quarter-tick' } });
  // Of one instant, and with microseconds that no Date has.
  for (const at of [
    '2026-01-01T00:00:00.000001Z',
    '2026-01-01T00:00:00.000002Z',
    '2026-01-01T00:00:00.000002Z',
  ]) {
    await sql`INSERT INTO quartermaster.house_events (at, event, actor) VALUES (${at}, 'sign-in', 'bob')`.execute(
      owner.write,
    );
    await sql`INSERT INTO quartermaster.quarter_events (at, quarter, event, actor) VALUES (${at}, '2025q1', 'freeze', 'bob')`.execute(
      owner.write,
    );
  }
});

afterAll(async () => {
  await app?.close();
  await Promise.all([owner?.close(), api?.close()]);
  await home?.drop();
});

const get = (query: string) => inject(app, { url: `/v1/events${query}` });

async function pages(query: Record<string, string>): Promise<Event[]> {
  const all: Event[] = [];
  let cursor: string | null = null;
  do {
    const parameters: string = new URLSearchParams({ ...query, ...(cursor && { cursor }) }).toString();
    const response = await get(`?${parameters}`);
    expect(response.statusCode, response.body).toBe(200);
    const page = response.json();
    expect(response.headers.link === undefined).toBe(page.next_cursor === null);
    all.push(...page.events);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return all;
}

/** All there is, in the order of the instants as PostgreSQL has them. */
async function everything(): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    SELECT 'house-' || id AS id, at, 'house' AS source, id AS number FROM quartermaster.house_events
    UNION ALL SELECT 'quarter-' || id, at, 'quarter', id FROM quartermaster.quarter_events
    ORDER BY at DESC, source DESC, number DESC`.execute(owner.write);
  return rows.map(({ id }) => id);
}

describe('events', () => {
  it('are those of the quarters and of the house, newest first, whatever the size of a page', async () => {
    const wanted = await everything();
    expect(wanted).toHaveLength(19);
    for (const limit of ['1', '2', '3', '5', '18', '19', '20', '1000']) {
      const found = await pages({ limit });
      expect(found.map(({ id }) => id)).toEqual(wanted);
    }
    const [newest] = await pages({ limit: '1000' });
    expect(newest).toMatchObject({
      id: expect.stringMatching(/^house-\d+$/),
      quarter: null,
      event: 'queue-run',
      actor: 'ada',
      reason: null,
      detail: { queue: 'quarter-tick' },
    });
  });

  it('are narrowed to a quarter and to a person', async () => {
    const all = await pages({ limit: '1000' });
    const quarter = fc.option(fc.constantFrom('2025q1', '2025q2', '2019q1'), { nil: undefined });
    const actor = fc.option(fc.constantFrom('ada', 'bob', 'schedule', 'nobody'), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(quarter, actor, fc.integer({ min: 1, max: 6 }), async (of, by, limit) => {
        const query = { ...(of && { quarter: of }), ...(by && { actor: by }), limit: String(limit) };
        const wanted = all.filter(
          (one) => (of === undefined || one.quarter === of) && (by === undefined || one.actor === by),
        );
        expect(await pages(query)).toEqual(wanted);
      }),
      { numRuns: 40 },
    );
  });

  it('that come while somebody reads shift no page', async () => {
    const first = (await get('?limit=4')).json();
    await recordHouseEvent(api.write, { event: 'sign-in', actor: 'eve' });
    const second = (await get(`?limit=4&cursor=${first.next_cursor}`)).json();
    const wanted = (await everything()).slice(1, 9);
    expect([...first.events, ...second.events].map(({ id }: Event) => id)).toEqual(wanted);
  });

  it('are found without reading the story whole', async () => {
    for (const table of ['house_events', 'quarter_events']) {
      const quarter = table === 'quarter_events' ? sql`quarter, ` : sql``;
      const its = table === 'quarter_events' ? sql`'2024q1', ` : sql``;
      await sql`
        INSERT INTO quartermaster.${sql.raw(table)} (${quarter}at, event, actor)
        SELECT ${its}timestamptz '2024-01-01' + i * interval '1 second', 'hold', 'many' FROM generate_series(1, 20000) AS i`.execute(
        owner.write,
      );
    }
    await sql`ANALYZE quartermaster.house_events, quartermaster.quarter_events`.execute(owner.direct);
    const rowsRead = (query: EventsQuery) =>
      owner.write.transaction().execute(async (trx) => {
        await readEvents(trx, query);
        const { rows } = await sql<{ read: number }>`
          SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int AS read
          FROM pg_stat_xact_user_tables WHERE relname IN ('house_events', 'quarter_events')`.execute(trx);
        return rows[0]?.read;
      });
    const { next_cursor: cursor } = (await get('?limit=50')).json();
    expect(await rowsRead({ limit: 50 })).toBeLessThan(1000);
    expect(await rowsRead({ limit: 50, cursor })).toBeLessThan(1000);
  });

  it('go on by a cursor of the same list only', async () => {
    const { next_cursor: cursor } = (await get('?limit=2&actor=bob')).json();
    problemIn(await get(`?limit=2&actor=ada&cursor=${cursor}`), 400, 'cursor_invalid');
    problemIn(await get('?cursor=made-up'), 400, 'cursor_invalid');
    problemIn(await get('?actor=a%00b'), 400, 'invalid_request');
    problemIn(await get('?quarter=2025'), 400, 'invalid_request');
    problemIn(await get('?limit=1001'), 400, 'invalid_request');
  });

  it('are told to nobody who is let into some ledgers only', async () => {
    const tenant = createApp(
      emptyHouse({
        authenticate: async () => ({ name: 'tenant', roles: ['finance'], ledgers: ['main'] }),
      }),
    );
    problemIn(await inject(tenant, { url: '/v1/events' }), 403, 'forbidden');
    problemIn(await inject(tenant, { url: '/v1/operation' }), 403, 'forbidden');
    const run = { method: 'POST', url: '/v1/queues/quarter-tick/run' } as const;
    problemIn(await inject(tenant, run), 403, 'forbidden');
  });
});
