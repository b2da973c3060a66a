import { sql } from 'kysely';
import Value from 'typebox/value';
import { describe, expect, it } from 'vitest';
import { auditIndexesJob } from '../../jobs/audit-indexes.ts';
import type { Identity } from '../../src/core/access.ts';
import { fixedClock } from '../../src/core/clock.ts';
import { OperationAnswer } from '../../src/http/operation-json.ts';
import { createOperationApi } from '../../src/main/operation.ts';
import { openHouse } from '../jobs/desk-fixture.ts';
import { useQueueBench } from '../queue/harness.ts';
import { createApp, emptyHouse, inject, problemIn, recordingLogger } from './house.ts';

const slow = { timeout: 60_000 };

const people: Record<string, Identity> = {
  root: { name: 'root', roles: ['admin'], ledgers: null },
  ada: { name: 'ada', roles: ['finance'], ledgers: null },
  rea: { name: 'rea', roles: ['reader'], ledgers: null },
};

describe('the operation over HTTP', () => {
  const bench = useQueueBench({ migrated: true });

  async function open() {
    const { house, jobs } = await openHouse(bench, {}, fixedClock('2026-08-01T12:00:00Z'));
    const { ofApi, ...rest } = house;
    const logger = recordingLogger([]);
    const operation = createOperationApi({ ...rest, ...ofApi, jobs, logger, replica: () => null });
    const app = createApp(
      emptyHouse({
        operation,
        authenticate: async (token) => people[token] ?? (await emptyHouse().authenticate(token)),
      }),
    );
    const as = (name: string) => ({ authorization: `Bearer ${name}` });
    return {
      house,
      jobs,
      get: (url: string, name = 'rea') => inject(app, { url, headers: as(name) }),
      run: (queue: string, name = 'root') =>
        inject(app, { method: 'POST', url: `/v1/queues/${queue}/run`, headers: as(name) }),
    };
  }

  it('tells how the house stands to whoever may read', slow, async () => {
    const { get } = await open();
    const response = await get('/v1/operation');
    expect(response.statusCode, response.body).toBe(200);
    expect(Value.Errors(OperationAnswer, response.json())).toEqual([]);
    expect(response.json().unknown).toEqual([]);
    problemIn(await get('/v1/operation', 'nobody'), 401, 'invalid_token');
  });

  it(
    'has a job with a schedule run once, however often it is asked for, and keeps who asked',
    slow,
    async () => {
      const { house, get, run } = await open();
      const waiting = async () => {
        const { rows } = await sql<{ name: string }>`
        SELECT name FROM pgboss.job WHERE name = 'analyze-partitions' AND state = 'created'`.execute(
          house.database.write,
        );
        return rows.length;
      };
      expect(await waiting()).toBe(0);
      const answers = await Promise.all([1, 2, 3].map(() => run('analyze-partitions')));
      expect(answers.map(({ statusCode }) => statusCode)).toEqual([202, 202, 202]);
      const enqueued = answers.map((answer) => answer.json().enqueued);
      expect(enqueued.filter(Boolean)).toHaveLength(1);
      expect(answers[0]?.json()).toMatchObject({ name: 'analyze-partitions' });
      expect(await waiting()).toBe(1);
      const { events } = (await get('/v1/events?actor=root')).json();
      expect(events).toHaveLength(3);
      expect(events[0]).toMatchObject({
        ...{ quarter: null, event: 'queue-run', actor: 'root', detail: { queue: 'analyze-partitions' } },
      });
    },
  );

  it('runs nothing else, and for nobody else', slow, async () => {
    const { get, run } = await open();
    const before = (await get('/v1/events')).json().events;
    problemIn(await run('quarter'), 409, 'queue_unscheduled');
    problemIn(await run('no-such-job'), 404, 'no_such_queue');
    problemIn(await run('Quarter'), 400, 'invalid_request');
    problemIn(await run('analyze-partitions', 'ada'), 403, 'forbidden');
    problemIn(await run('analyze-partitions', 'rea'), 403, 'forbidden');
    expect((await get('/v1/events')).json().events).toEqual(before);
  });

  it('tells what the last audit of the indexes has found', slow, async () => {
    const { house, get } = await open();
    await sql`CREATE INDEX accounts_twice ON ledger.accounts (ledger_id, id)`.execute(house.database.direct);
    const run = {
      id: 'x',
      signal: new AbortController().signal,
      logger: recordingLogger([]),
      onProgress: () => {},
    };
    await auditIndexesJob(house).handle({}, run);
    const { indexes, checks } = (await get('/v1/operation')).json();
    expect(Date.parse(indexes.audited_at)).toBeGreaterThan(0);
    expect(indexes.findings).toContainEqual({
      kind: 'redundant',
      index: 'ledger.accounts_twice',
      detail: expect.stringMatching(/\w/),
      remedy: expect.stringContaining('DROP INDEX CONCURRENTLY ledger.accounts_twice'),
      bytes: expect.any(Number),
    });
    expect(checks.find(({ name }: { name: string }) => name === 'indexes')).toMatchObject({
      runbook: 'docs/runbooks/indexes.md',
    });
  });
});
