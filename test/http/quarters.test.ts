import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { problemIn } from './house.ts';
import { openQuarters as open, quarterJob } from './quarters.ts';

describe('the quarters', () => {
  it('are listed, and told of one by one', async () => {
    const next = { verb: 'drop', at: new Date(0), withheld: 'held' };
    const { get } = open({
      next: async () => next,
      nexts: async () => new Map([['2024q1', next]]),
    });
    const listed = (await get('/v1/quarters')).json();
    expect(listed.quarters).toEqual([
      expect.objectContaining({
        quarter: '2024q1',
        state: 'detached',
        transactions: 3,
        awaiting_approval: ['drop'],
        restored_until: null,
        manifest_sha256: 'b00c',
        previous_manifest_sha256: null,
        frozen_at: null,
        next: { verb: 'drop', at: '1970-01-01T00:00:00.000Z', withheld: 'held' },
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
      checks: [{ name: 'sums', ok: true, detail: 'They are zero.' }],
      checked_at: '2026-01-10T00:00:00.000Z',
      approvals: [expect.objectContaining({ verb: 'drop', requested_by: 'ada', approved_by: null })],
      copies: [expect.objectContaining({ schema: 'audit', expires_at: '2026-02-01T00:00:00.000Z' })],
      archive: {
        location: 'file:///archive/ledger/2024q1',
        written_at: '2026-01-10T00:00:00.000Z',
        manifest_sha256: 'b00c',
        previous_manifest_sha256: null,
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

describe('a trial balance', () => {
  it('is read as totals, of all ledgers or of one', async () => {
    const asked: unknown[] = [];
    const total = { ledger: 'main', currency: 'EUR', exponent: 2, opening: '0', debits: '5', credits: '5' };
    const { get } = open({
      trialBalance: async (...parts) => {
        asked.push(parts);
        return [{ ...total, accounts: 2n, closing: '0' }];
      },
    });
    expect((await get('/v1/quarters/2024q1/trial-balance')).json()).toEqual({
      quarter: '2024q1',
      totals: [{ ...total, accounts: 2, closing: '0' }],
    });
    await get('/v1/quarters/2024q1/trial-balance?ledger=main&moved=true');
    expect(asked).toEqual([
      ['2024q1', { ledgerId: undefined, carried: true }, expect.any(AbortSignal)],
      ['2024q1', { ledgerId: 1, carried: false }, expect.any(AbortSignal)],
    ]);
    problemIn(await get('/v1/quarters/2024q1/trial-balance?ledger=other'), 404, 'no_such_ledger');
    problemIn(await get('/v1/quarters/2024q1/trial-balance?moved=yes'), 400, 'invalid_request');
  });

  it('is downloaded as a file, piece by piece, or not at all', async () => {
    const { get } = open({
      trialBalanceCsv: async function* () {
        yield 'ledger,account\r\n';
        yield 'main,a:WALLET\r\n';
      },
    });
    const response = await get('/v1/quarters/2024q1/trial-balance.csv');
    expect(response.statusCode).toBe(200);
    expect(response.body).toBe('ledger,account\r\nmain,a:WALLET\r\n');
    expect(response.headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8; header=present',
      'content-disposition': 'attachment; filename="trial-balance-2024q1.csv"',
    });
    const early = open({
      trialBalanceCsv: () => ({
        [Symbol.asyncIterator]: () => ({
          next: async () => {
            throw new AppError('conflict', 'quarter_state', '2024q1 is open.');
          },
        }),
      }),
    });
    problemIn(await early.get('/v1/quarters/2024q1/trial-balance.csv'), 409, 'quarter_state');
    expect((await open().get('/v1/quarters/2024q1/trial-balance.csv')).body).toBe('');
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
    const away = { kind: 'unavailable', code: 'store_failed', detail: "EACCES: '/secret'", quotes: true };
    expect((await told({ state: 'waiting', error: away })).error).toEqual({
      kind: 'unavailable',
      code: 'store_failed',
      detail: expect.not.stringContaining('secret'),
    });
  });
});
