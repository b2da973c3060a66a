import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { quarterActions } from '../../src/quarters/verbs.ts';
import { problemIn } from './house.ts';
import { openQuarters as open, quarterJob } from './quarters.ts';

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

  it('that destroys names the quarter twice when it is tried again too, and no other does', async () => {
    const retried: string[] = [];
    const retry = async (id: string) => {
      retried.push(id);
      return quarterJob();
    };
    const drop = open({ job: async () => quarterJob({ verb: 'drop', state: 'failed' }), retry });
    const url = `/v1/jobs/${quarterJob().id}/retry`;
    for (const body of [undefined, {}, { confirm: '2024q2' }]) {
      const { errors } = problemIn(await drop.post(url, body), 400, 'invalid_request');
      expect(errors).toEqual([expect.objectContaining({ pointer: '#/confirm' })]);
    }
    expect(retried).toEqual([]);
    expect((await drop.post(url, { confirm: '2024q1' })).statusCode).toBe(202);
    const verify = open({ job: async () => quarterJob({ verb: 'verify', state: 'failed' }), retry });
    expect((await verify.post(url)).statusCode).toBe(202);
    expect(retried).toHaveLength(2);
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
