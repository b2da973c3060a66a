import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createQuarterDesk } from '../../jobs/quarter-desk.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import type { PoolObserver } from '../../src/db/pool-observer.ts';
import { createQuarterApi } from '../../src/main/quarter-api.ts';
import { readConfig } from '../../src/platform/config.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { createQueue } from '../../src/queue/queue.ts';
import { houseOver, openHouse, run } from '../quarters/support.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { inRole } from '../support/roles.ts';
import { ways } from '../support/ways.ts';
import { createApp, emptyHouse, inject } from './house.ts';

let home: TestDatabase;
let api: Database;
/** Statements, for each outside a transaction takes a connection. */
let taken = 0;

beforeAll(async () => {
  home = await createDatabase();
  const observer: PoolObserver = { onPool: () => {}, onAcquire: () => void taken++, onError: () => {} };
  api = openDatabase({ ...ways(inRole(home.url, 'api')), poolMax: 4, observer });
});
afterAll(async () => {
  await api?.close();
  await home?.drop();
});

/** The list as the API gives it, and what it takes. */
async function listed() {
  const config = readConfig({ QM_DATABASE_URL: home.url, QM_ARCHIVE_APPROVAL: 'required' });
  const quarters = {
    ...houseOver(api, { now: '2026-05-05T12:00:00Z' }),
    archiveApproval: 'required' as const,
  };
  const queue = createQueue({ db: api.write, url: home.url, zone: 'UTC', logger: createLogger('silent') });
  const { calendar, clock } = quarters;
  const desk = createQuarterDesk({ database: api, quarters, queue, calendar, clock, config });
  const app = createApp(emptyHouse({ quarters: createQuarterApi({ quarters, queue }, desk) }));
  taken = 0;
  const response = await inject(app, { url: '/v1/quarters' });
  expect(response.statusCode, response.body).toBe(200);
  return { taken, quarters: response.json().quarters };
}

describe('a list of quarters', () => {
  it('takes as many statements for sixty as for six, and tells what comes next of each', async () => {
    const house = openHouse(home.url);
    try {
      await ensureQuarters(house, run, new Date('2026-01-01T00:00:00Z'), new Date('2026-12-01T00:00:00Z'));
      const few = await listed();
      await ensureQuarters(house, run, new Date('2018-01-01T00:00:00Z'), new Date('2026-12-01T00:00:00Z'));
      const db = house.database.direct;
      await sql`
        INSERT INTO quartermaster.quarters (quarter, starts_at, ends_at, state, transactions, entries, digest)
        SELECT to_char(day, 'YYYY"q"Q'), day, day + interval '3 months', 'closed', 1, 2, 'd'
        FROM generate_series('2011-01-01'::timestamptz, '2017-10-01', '3 months') AS day`.execute(db);
      await sql`
        INSERT INTO quartermaster.approvals (quarter, verb, digest, requested_by, requested_at, approved_by, approved_at)
        VALUES ('2011q1', 'archive', 'd', 'ada', now(), 'bob', now()), ('2011q2', 'archive', 'd', 'ada', now(), NULL, NULL),
               ('2011q3', 'archive', 'of before', 'ada', now(), 'bob', now())`.execute(db);
      const many = await listed();
      expect([few.quarters.length, many.quarters.length]).toEqual([4, 64]);
      expect(many.taken).toBe(few.taken);
      const next = (name: string) =>
        many.quarters.find((one: { quarter: string }) => one.quarter === name)?.next;
      // It left the window of eight quarters long ago; two people have agreed on the first, as it is now.
      expect(next('2011q1')).toMatchObject({ verb: 'archive', withheld: null });
      expect(next('2011q2')).toMatchObject({ verb: 'archive', withheld: 'approval_required' });
      expect(next('2011q3')).toMatchObject({ verb: 'archive', withheld: 'approval_required' });
      expect(next('2018q1')).toEqual({ verb: 'close', at: '2018-04-11T00:00:00.000Z', withheld: null });
    } finally {
      await house.database.close();
    }
  });
});
