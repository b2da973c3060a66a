import { sql } from 'kysely';
import Value from 'typebox/value';
import { describe, expect, it } from 'vitest';
import { fixedClock } from '../../src/core/clock.ts';
import { OperationAnswer } from '../../src/http/operation-json.ts';
import { createOperationApi, type OperationHouse } from '../../src/main/operation.ts';
import { type LogLine, recordingLogger } from '../http/house.ts';
import type { DeskHouse } from '../jobs/desk-fixture.ts';
import { openOffice } from '../jobs/desk-fixture.ts';
import { useQueueBench } from '../queue/harness.ts';

const slow = { timeout: 60_000 };

type Office = Awaited<ReturnType<typeof openOffice>>;

/** The operation as the API reads it, on its own connections. */
function operationOf({ house, jobs }: Office, some: Partial<OperationHouse> = {}) {
  const lines: LogLine[] = [];
  const { ofApi, ...rest } = house;
  const operation = createOperationApi({
    ...rest,
    ...ofApi,
    jobs,
    logger: recordingLogger(lines),
    replica: () => null,
    ...some,
  });
  return { operation, lines };
}

const day = 86_400_000;
const from = ({ clock }: DeskHouse, days: number) => new Date(clock.now().getTime() + days * day);

describe('how the house stands', () => {
  const bench = useQueueBench({ migrated: true });

  it('is read in full, as the document says, and by all who ask at once together', slow, async () => {
    const office = await openOffice(bench);
    const { operation } = operationOf(office);
    const [one, other] = await Promise.all([operation.read(), operation.read()]);
    expect(other).toBe(one);
    expect(await operation.read()).toBe(one);
    expect(Value.Errors(OperationAnswer, one)).toEqual([]);
    expect(one).toMatchObject({
      at: '2026-08-01T12:00:00.000Z',
      unknown: [],
      // The load made those ahead as well.
      horizon: {
        ends_at: '2027-10-01T00:00:00.000Z',
        wanted_until: '2027-10-01T00:00:00.000Z',
        missing: [],
      },
      replica: null,
      summaries: { days: 0, lag_seconds: 0, refreshed_at: expect.any(String) },
      failures: [],
      fixity: { oldest_verified_at: null, quarter: null, damaged: [], within_days: 90 },
      indexes: null,
      alerts: null,
    });
    // A load asks for it.
    expect(one.queues.find(({ name }) => name === 'refresh-summaries')).toMatchObject({
      ...{ schedule: '* * * * *', waiting: 1, running: 0, failed: 0, overdue: false },
    });
    expect(one.queues.at(-1)).toMatchObject({ name: 'quarter', schedule: null });
    expect(new Set(one.queues.map(({ name }) => name)).size).toBe(one.queues.length);
    expect(one.checks.find(({ name }) => name === 'horizon')).toMatchObject({ state: 'ok', advice: null });
    const states = one.checks.map(({ state }) => ['critical', 'warning', 'unknown', 'ok'].indexOf(state));
    expect(states).toEqual(states.toSorted());
  });

  it('tells what failed, and nothing of what PostgreSQL said', slow, async () => {
    const office = await openOffice(bench);
    const { house } = office;
    const { write } = house.database;
    const id = '00000001-aaaa-8bbb-8ccc-0123456789ab';
    const lost = '00000004-aaaa-8bbb-8ccc-0123456789ab';
    const error = { kind: 'corrupt', code: 'close_check_failed', detail: '2026q1 stays open: sums.' };
    const quoted = { kind: 'unavailable', code: 'store_failed', detail: 'at 10.0.0.7:443', quotes: true };
    const superseded = { kind: 'aborted', code: 'superseded', detail: 'something else' };
    await sql`
      INSERT INTO quartermaster.quarter_jobs (id, quarter, verb, actor, state, error, finished_at) VALUES
        (${id}, '2026q1', 'close', 'ada', 'failed', ${JSON.stringify(error)}, '2026-07-31T10:00:00Z'),
        ('00000002-aaaa-8bbb-8ccc-0123456789ab', '2026q1', 'archive', 'ada', 'failed', ${JSON.stringify(superseded)}, now())`.execute(
      write,
    );
    // Of the queue itself: one that failed, one whose worker died, and the step again.
    await sql`
      INSERT INTO pgboss.job (id, name, data, state, policy, singleton_key, completed_on, output) VALUES
        (gen_random_uuid(), 'check-fixity', '{}', 'failed', 'stately', NULL, '2026-07-31T12:00:00Z', ${JSON.stringify(quoted)}),
        (${lost}, 'quarter', '{"verb":"verify","quarter":"2026q2"}', 'failed', 'key_strict_fifo', '2026q2', '2026-07-31T11:00:00Z',
         '{"value":{"message":"job heartbeat timeout"}}'),
        (${id}, 'quarter', '{"verb":"close","quarter":"2026q1"}', 'failed', 'key_strict_fifo', '2026q1', '2026-07-31T10:00:00Z',
         ${JSON.stringify(error)})`.execute(write);
    await sql`
      INSERT INTO quartermaster.job_outcomes (job_name, succeeded_at, failed_at, failure) VALUES
        ('check-fixity', '2026-07-31T06:00:00Z', '2026-07-31T12:00:00Z', 'store_failed'),
        ('quarter-tick', '2026-07-29T02:00:00Z', NULL, NULL),
        ('analyze-partitions', '2026-08-01T11:00:00Z', '2026-07-31T20:00:00Z', 'database_unavailable')
      ON CONFLICT (job_name) DO UPDATE SET succeeded_at = excluded.succeeded_at, failed_at = excluded.failed_at,
        failure = excluded.failure`.execute(write);
    const { operation } = operationOf(office);
    const { failures, queues, checks, unknown } = await operation.read();
    expect(unknown).toEqual([]);
    expect(failures).toEqual([
      {
        ...{ id: expect.any(String), name: 'check-fixity', quarter: null, code: 'store_failed' },
        failed_at: '2026-07-31T12:00:00.000Z',
        detail: expect.not.stringContaining('10.0.0.7'),
      },
      {
        ...{ id: lost, name: 'verify', quarter: '2026q2', code: 'worker_lost' },
        failed_at: '2026-07-31T11:00:00.000Z',
        detail: expect.stringContaining('workers'),
      },
      {
        ...{ id, name: 'close', quarter: '2026q1', code: 'close_check_failed' },
        failed_at: '2026-07-31T10:00:00.000Z',
        detail: '2026q1 stays open: sums.',
      },
    ]);
    const queue = (name: string) => queues.find((one) => one.name === name);
    expect(queue('quarter')).toMatchObject({ failed: 2, waiting: 0, overdue: false });
    expect(queue('check-fixity')).toMatchObject({ failed: 1, failure: 'store_failed' });
    // It runs each day and has not for three.
    expect(queue('quarter-tick')).toMatchObject({ overdue: true, failure: null });
    expect(queue('analyze-partitions')).toMatchObject({ failure: null, overdue: false });
    const state = (name: string) => checks.find((one) => one.name === name);
    expect(state('blocked')).toMatchObject({
      state: 'warning',
      detail: expect.stringMatching(/^2 quarters/),
    });
    expect(state('jobs')).toMatchObject({
      state: 'warning',
      detail: expect.stringContaining('check-fixity (store_failed)'),
    });
    expect(state('schedules')).toMatchObject({
      state: 'warning',
      detail: expect.stringContaining('quarter-tick'),
      runbook: 'docs/runbooks/schedule-silent.md',
    });
  });

  it('tells what was restored beyond its time, and how old the archives are', slow, async () => {
    const office = await openOffice(bench);
    const { house } = office;
    const { write } = house.owner;
    await sql`
      INSERT INTO quartermaster.archives
        (quarter, location, format_version, manifest_sha256, digest, rows, bytes, written_at, verified_at) VALUES
        ('2024q1', 'none:', 1, 'a', 'd', 1, 1, ${from(house, -300)}, ${from(house, -98)}),
        ('2024q2', 'none:', 1, 'b', 'd', 1, 1, ${from(house, -300)}, NULL),
        ('2024q3', 'none:', 1, 'c', 'd', 1, 1, ${from(house, -10)}, NULL)`.execute(write);
    await sql`
      INSERT INTO quartermaster.quarter_events (at, quarter, event, actor)
      VALUES (${from(house, -1)}, '2024q2', 'verify_failed', 'schedule')`.execute(write);
    await sql`
      INSERT INTO quartermaster.restores (quarter, schema_name, reason, restored_by, restored_at, expires_at) VALUES
        ('2024q1', 'audit', 'an audit', 'ada', ${from(house, -20)}, ${from(house, -1)}),
        ('2024q1', 'court', 'a court', 'ada', ${from(house, -20)}, ${from(house, 1)})`.execute(write);
    const { operation } = operationOf(office);
    const { fixity, checks } = await operation.read();
    expect(fixity).toEqual({
      oldest_verified_at: from(house, -98).toISOString(),
      quarter: '2024q1',
      damaged: ['2024q2'],
      within_days: 90,
    });
    const state = (name: string) => checks.find((one) => one.name === name);
    expect(state('fixity')).toMatchObject({ state: 'warning', detail: expect.stringContaining('2024q1') });
    expect(state('archives')).toMatchObject({ state: 'critical', detail: expect.stringContaining('2024q2') });
    expect(state('restores')).toMatchObject({
      state: 'warning',
      detail: 'Restored beyond its time: 2024q1 in audit.',
    });
  });

  it('is known in the parts that answer, when one does not', slow, async () => {
    const office = await openOffice(bench);
    const { operation, lines } = operationOf(office);
    await office.house.database.write.transaction().execute(async (trx) => {
      await sql`LOCK TABLE pgboss.job IN ACCESS EXCLUSIVE MODE`.execute(trx);
      const read = await operation.read();
      expect(Value.Errors(OperationAnswer, read)).toEqual([]);
      const reason = 'PostgreSQL has not answered within 3 seconds.';
      expect(read.unknown).toEqual([
        { part: 'queues', reason },
        { part: 'failures', reason },
      ]);
      expect(read.horizon).not.toBeNull();
      expect(read.fixity).not.toBeNull();
      expect(read.queues).toEqual([]);
      // What rests on it is neither well nor ill.
      expect(read.checks.find(({ name }) => name === 'jobs')).toMatchObject({
        state: 'unknown',
        detail: reason,
      });
      expect(read.checks.find(({ name }) => name === 'summaries')?.state).toBe('ok');
    });
    expect(lines.filter(({ level }) => level === 'warn')).toHaveLength(2);
    await expect.poll(async () => (await operation.read()).unknown, { timeout: 20_000 }).toEqual([]);
  });
});

describe('a Prometheus that is away', () => {
  const bench = useQueueBench({ migrated: true });

  it('is in the log once, however often it is asked', slow, async () => {
    const office = await openOffice(bench);
    const { operation, lines } = operationOf(office, {
      // Nobody listens there.
      config: { ...office.house.config, prometheusUrl: 'http://127.0.0.1:1' },
    });
    const first = await operation.read();
    expect(first.alerts).toMatchObject({ error: expect.any(String), items: [] });
    await expect.poll(async () => (await operation.read()) === first, { timeout: 20_000 }).toBe(false);
    await operation.read();
    expect(lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });
});

describe('what is switched on', () => {
  const bench = useQueueBench({ migrated: true });

  it('and off is told, and when a horizon is near', slow, async () => {
    const office = await openOffice(bench, { QM_DROP_QUARTERS: 'off', QM_ARCHIVE_APPROVAL: 'required' });
    const { operation } = operationOf(office, {
      clock: fixedClock('2027-08-02T00:00:00Z'),
      replica: () => ({ state: 'away', reason: 'failed', detail: 'at 10.0.0.9', lagMs: undefined }),
    });
    const { checks, horizon, replica } = await operation.read();
    expect(horizon).toEqual({
      ends_at: '2027-10-01T00:00:00.000Z',
      wanted_until: '2028-10-01T00:00:00.000Z',
      missing: ['2027q4', '2028q1', '2028q2', '2028q3'],
    });
    expect(checks[0]?.name).toBe('horizon');
    const state = (name: string) => checks.find((one) => one.name === name);
    expect(state('horizon')).toMatchObject({
      state: 'critical',
      detail: 'Postings have partitions for 60 days more.',
      advice: expect.stringContaining('reconcile-partitions'),
      runbook: 'docs/runbooks/horizon.md',
    });
    expect(state('switches')).toMatchObject({
      state: 'warning',
      detail: expect.stringContaining('QM_DROP_QUARTERS'),
    });
    expect(replica).toEqual({
      state: 'away',
      lag_seconds: null,
      reason: expect.not.stringContaining('10.0'),
    });
    expect(state('replica')).toMatchObject({ state: 'warning', runbook: 'docs/runbooks/replica.md' });
  });
});
