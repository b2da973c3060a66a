import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { createApp } from '../../src/http/app.ts';
import type { HttpHouse, QuarterRequest } from '../../src/http/house.ts';
import { quarterActions } from '../../src/quarters/verbs.ts';
import { emptyHouse, inject, problemIn } from './house.ts';
import { quarterDetail, quarterJob } from './quarters.ts';

/** An app whose quarters are these, and what was asked of them. */
function open(parts: Partial<HttpHouse['quarters']> = {}) {
  const asked: QuarterRequest[] = [];
  const app = createApp(
    emptyHouse({
      quarters: {
        list: async () => [quarterDetail()],
        show: async () => quarterDetail(),
        next: async () => undefined,
        preview: async (request) => {
          asked.push(request);
          return { done: false, obstacles: [], steps: [] };
        },
        ask: async (request) => {
          asked.push(request);
          return { done: true, report: undefined };
        },
        jobs: async () => [],
        job: async () => undefined,
        ...parts,
      },
    }),
  );
  const get = (url: string) => inject(app, { url });
  const post = (url: string, payload?: object) =>
    inject(app, { method: 'POST', url, ...(payload === undefined ? {} : { payload }) });
  return { get, post, asked };
}

describe('the quarters', () => {
  it('are listed, and told of one by one', async () => {
    const { get } = open({ next: async () => ({ verb: 'drop', at: new Date(0), withheld: 'held' }) });
    const listed = (await get('/v1/quarters')).json();
    expect(listed.quarters).toEqual([
      expect.objectContaining({
        quarter: '2024q1',
        state: 'detached',
        transactions: 3,
        awaiting_approval: ['drop'],
        restored_until: null,
      }),
    ]);
    expect((await get('/v1/quarters/2024q1')).json()).toEqual({
      ...listed.quarters[0],
      closed_at: '2026-01-10T00:00:00.000Z',
      reopened_at: null,
      archived_at: '2026-01-10T00:00:00.000Z',
      detached_at: '2026-01-10T00:00:00.000Z',
      dropped_at: null,
      restored_at: null,
      next: { verb: 'drop', at: '1970-01-01T00:00:00.000Z', withheld: 'held' },
      approvals: [expect.objectContaining({ verb: 'drop', requested_by: 'ada', approved_by: null })],
      copies: [expect.objectContaining({ schema: 'audit', expires_at: '2026-02-01T00:00:00.000Z' })],
      archive: {
        location: 'file:///archive/ledger/2024q1',
        files: [{ path: 'entries/part-0000.parquet', table: 'entries', rows: 6, bytes: 450, sha256: 'f00' }],
      },
      events: [expect.objectContaining({ event: 'close', actor: 'ada', detail: { transactions: '3' } })],
    });
  });

  it('are known by their names', async () => {
    const { get, post } = open({
      show: async (quarter) => {
        throw new AppError('not_found', 'no_such_quarter', `There is no quarter ${quarter}.`);
      },
    });
    problemIn(await get('/v1/quarters/1999q1'), 404, 'no_such_quarter');
    for (const name of ['2024', '2024q5', 'x']) {
      problemIn(await get(`/v1/quarters/${name}`), 400, 'invalid_request');
      problemIn(await post(`/v1/quarters/${name}/close`), 400, 'invalid_request');
    }
    problemIn(await post('/v1/quarters/2024q1/clsoe'), 404, 'no_such_route');
    problemIn(await get('/v1/quarters/2024q1/close'), 405, 'method_not_allowed');
  });
});

describe('a verb', () => {
  it('is asked for in the name of who asks, with what it needs', async () => {
    const { post, asked } = open();
    for (const verb of Object.keys(quarterActions)) {
      const confirm = verb === 'drop' ? { confirm: '2024q1' } : {};
      const response = await post(`/v1/quarters/2024q1/${verb}`, { reason: ' an audit ', ...confirm });
      expect([verb, response.statusCode, response.json()]).toEqual([
        verb,
        200,
        { quarter: '2024q1', verb, dry_run: false, done: true },
      ]);
    }
    expect(asked).toEqual(
      Object.keys(quarterActions).map((verb) => ({
        verb,
        quarter: '2024q1',
        actor: 'test',
        reason: 'an audit',
        until: undefined,
        into: undefined,
      })),
    );
    expect((await post('/v1/quarters/2024q1/close')).statusCode).toBe(200);
    expect(asked.at(-1)).toMatchObject({ verb: 'close', reason: undefined });
  });

  it('is restored until the end of a day of the zone, or until an instant', async () => {
    const { post, asked } = open();
    // The house of these tests is in Paris.
    for (const until of ['2026-12-31', '2026-12-31T23:00:00Z']) {
      await post('/v1/quarters/2024q1/restore', { reason: 'audit', until, into: 'audit' });
      expect(asked.at(-1)).toMatchObject({ into: 'audit', until: new Date('2026-12-31T23:00:00Z') });
    }
    for (const [body, pointer] of [
      [{ until: '2026-02-30' }, '#/until'],
      [{ until: '2026-12-31 10:00' }, '#/until'],
      [{ into: 'Audit' }, '#/into'],
      [{ into: 'a"b' }, '#/into'],
      [{ reason: '' }, '#/reason'],
      [{ reason: 'a\u0000b' }, '#/reason'],
      [{ reason: '\ud800' }, '#/reason'],
      [{ reason: 'x'.repeat(1001) }, '#/reason'],
      [{ confirm: '2024q1' }, '#/confirm'],
    ] as const) {
      const { errors } = problemIn(await post('/v1/quarters/2024q1/restore', body), 400, 'invalid_request');
      expect(errors).toEqual([expect.objectContaining({ pointer })]);
    }
    expect(asked).toHaveLength(2);
  });

  it('that destroys names the quarter twice, unless it is only to be looked at', async () => {
    const { post, asked } = open();
    for (const body of [{}, { confirm: '2024q2' }]) {
      const { errors } = problemIn(await post('/v1/quarters/2024q1/drop', body), 400, 'invalid_request');
      expect(errors).toEqual([expect.objectContaining({ pointer: '#/confirm' })]);
    }
    expect(asked).toEqual([]);
    expect((await post('/v1/quarters/2024q1/drop', { dry_run: true })).statusCode).toBe(200);
  });

  it('is looked at before it is done, and nothing is refused then', async () => {
    const detail = '2024q1 is held: audit.';
    const { post } = open({
      preview: async () => ({
        done: false,
        obstacles: [
          { code: 'quarter_held', detail },
          { code: 'archive_damaged', kind: 'corrupt', detail: 'It is damaged.' },
        ],
        steps: [],
      }),
    });
    expect((await post('/v1/quarters/2024q1/detach', { dry_run: true })).json()).toEqual({
      quarter: '2024q1',
      verb: 'detach',
      dry_run: true,
      done: false,
      obstacles: [
        { code: 'quarter_held', kind: 'refused', detail },
        { code: 'archive_damaged', kind: 'corrupt', detail: 'It is damaged.' },
      ],
      steps: [],
    });
  });

  it('that is short answers with its report, as the API writes things', async () => {
    const report = { quarter: '2024q1', holdReason: 'audit', movedRows: 9007199254740993n, changed: true };
    const { post } = open({ ask: async () => ({ done: true, report }) });
    expect((await post('/v1/quarters/2024q1/hold', { reason: 'audit' })).json()).toMatchObject({
      done: true,
      report: { quarter: '2024q1', hold_reason: 'audit', moved_rows: '9007199254740993', changed: true },
    });
  });

  it('that is long answers 202 and where to follow it', async () => {
    const job = quarterJob({ state: 'waiting', progress: null, startedAt: null });
    const { post } = open({ ask: async () => ({ done: false, job }) });
    const response = await post('/v1/quarters/2024q1/close');
    expect(response.statusCode).toBe(202);
    expect(response.headers.location).toBe(`/v1/jobs/${job.id}`);
    expect(response.json()).toMatchObject({
      done: false,
      job: { id: job.id, state: 'waiting', actor: 'ada' },
    });
  });

  it('is refused with what stands in the way, damage included', async () => {
    const failing = (kind: 'refused' | 'conflict' | 'corrupt' | 'internal', code: string) =>
      open({
        ask: async () => {
          throw new AppError(kind, code, 'This is why.');
        },
      }).post('/v1/quarters/2024q1/detach');
    expect(problemIn(await failing('refused', 'quarter_held'), 422, 'quarter_held').detail).toBe(
      'This is why.',
    );
    problemIn(await failing('conflict', 'approval_required'), 409, 'approval_required');
    const damaged = problemIn(await failing('corrupt', 'archive_damaged'), 500, 'archive_damaged');
    expect(damaged.detail).toBe('This is why.');
    expect(problemIn(await failing('internal', 'internal'), 500, 'internal').detail).not.toContain('why');
  });
});

describe('the jobs', () => {
  it('are listed by quarter, and read one by one', async () => {
    const filters: unknown[] = [];
    const { get } = open({
      jobs: async (filter) => {
        filters.push(filter);
        return [quarterJob()];
      },
      job: async (id) => (id === quarterJob().id ? quarterJob() : undefined),
    });
    const { jobs } = (await get('/v1/jobs?quarter=2024q1')).json();
    expect(jobs).toEqual([
      expect.objectContaining({
        verb: 'close',
        state: 'running',
        progress: { what: 'trial balance', done: 1, total: null },
        report: null,
        error: null,
      }),
    ]);
    await get('/v1/jobs');
    expect(filters).toEqual([
      { quarter: '2024q1', limit: 200 },
      { quarter: undefined, limit: 200 },
    ]);
    expect((await get(`/v1/jobs/${quarterJob().id.toUpperCase()}`)).json()).toEqual(jobs[0]);
    problemIn(await get('/v1/jobs/00000001-aaaa-8bbb-8ccc-000000000000'), 404, 'job_not_found');
    problemIn(await get('/v1/jobs/1'), 400, 'invalid_request');
    problemIn(await get('/v1/jobs?quarter=24'), 400, 'invalid_request');
  });

  it('tell what came of them, and nothing of what only the log should know', async () => {
    const told = async (parts: Parameters<typeof quarterJob>[0]) =>
      (await open({ job: async () => quarterJob(parts) }).get(`/v1/jobs/${quarterJob().id}`)).json();
    const report = { quarter: '2024q1', manifestSha256: 'f00', checks: [{ name: 'sums', ok: true }] };
    expect(await told({ state: 'done', report })).toMatchObject({
      report: { manifest_sha256: 'f00', checks: [{ name: 'sums', ok: true }] },
    });
    const error = { kind: 'corrupt', code: 'close_check_failed', detail: 'It is off by 1.' };
    expect((await told({ state: 'failed', error })).error).toEqual(error);
    const bug = { kind: 'internal', code: 'database_error', detail: 'relation "secret"' };
    expect((await told({ state: 'failed', error: bug })).error.detail).not.toContain('secret');
  });
});
